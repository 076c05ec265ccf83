from torch.fx import Graph

from hvit_edge.targets.refusals import source_line

OWN = '  File "/home/me/net.py", line 7, in forward\n    return self.mix(x)\n'
LIBRARY = '  File "/site/torch/nn/modules/linear.py", line 134, in forward\n    F.linear(x)\n'
TRACED = '  File "<eval_with_key>.12", line 5, in forward\n    linear = torch.ops.aten.linear(x)\n'


def line_of(trace: str) -> str:
    node = Graph().placeholder("x")
    node.meta["stack_trace"] = trace
    return source_line(node)


def test_the_innermost_line_of_a_user_is_found():
    assert line_of(OWN + LIBRARY) == "/home/me/net.py:7: return self.mix(x)"


def test_code_that_tracing_makes_is_no_line_of_a_user():
    assert line_of(OWN + TRACED) == "/home/me/net.py:7: return self.mix(x)"
    assert line_of(TRACED) == ""


def test_nothing_is_said_without_a_trace():
    assert line_of("") == ""

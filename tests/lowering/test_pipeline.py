"""Rewrites that fail are left out and named, and the others are applied."""

import torch
from torch import nn

from hvit_edge.lowering import PIPELINE, export_graph, rewrite
from hvit_edge.lowering.graph import Editor, aten, nodes_calling
from hvit_edge.lowering.pipeline import applied_passes
from hvit_edge.lowering.snapshot import Snapshot

X = torch.randn(1, 3, 8, 8)


class Small(nn.Module):
    """A convolution with a norm to fold, and numbers to replace."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)
        nn.init.uniform_(self.norm.running_var, 0.5, 2)

    def forward(self, x):
        return (self.norm(self.conv(x)) * 2 + 1).relu().flatten(1)


def described(graph):
    return [
        (str(node.target), [str(a) for a in node.args if not isinstance(a, torch.fx.Node)])
        for node in graph.graph.nodes
        if node.op == "call_function"
    ]


def half_done(graph):
    """Changes the first two products, and then fails."""
    for node in nodes_calling(graph, aten.mul.Tensor, aten.add.Tensor):
        edit = Editor(graph, node)
        edit.replace(edit.call(aten.sub.Tensor, *node.args))
    graph.graph.eliminate_dead_code()
    raise IndexError("index 111 is out of bounds")


def test_a_rewrite_that_raises_is_left_out():
    module = Small().eval()
    plain, graph = export_graph(module, (X,)), export_graph(module, (X,))
    rewrite(plain)
    passes = [*PIPELINE[:5], half_done, *PIPELINE[5:], half_done]
    reports = rewrite(graph, passes=passes)
    assert [report.name for report in reports] == [apply.__name__ for apply in passes]
    left_out = [(report.name, report.left_out) for report in reports if report.left_out]
    assert left_out == [("half_done", "IndexError: index 111 is out of bounds")] * 2
    assert not any(report.modified for report in reports if report.left_out)
    assert described(graph) == described(plain)
    assert torch.equal(graph(X), plain(X))


def doubled(graph):
    """A wrong rewrite that doubles one operand of an addition."""
    for node in nodes_calling(graph, aten.add.Tensor):
        edit = Editor(graph, node)
        edit.replace(edit.call(aten.add.Tensor, edit.call(aten.add.Tensor, *node.args), 1))
        return True
    return False


def differs(module):
    """A check that counts its calls."""

    def check(graph):
        check.asked += 1
        return "" if torch.allclose(graph(X), module(X), atol=1e-5) else "another answer"

    check.asked = 0
    return check


def test_a_rewrite_that_changes_the_answer_is_left_out():
    module = Small().eval()
    plain, graph = export_graph(module, (X,)), export_graph(module, (X,))
    rewrite(plain)
    passes = [doubled, *PIPELINE[:5], doubled, half_done, *PIPELINE[5:]]
    reports = rewrite(graph, passes=passes, check=differs(module))
    left_out = {place: r.left_out for place, r in enumerate(reports) if r.left_out}
    raised = "IndexError: index 111 is out of bounds"
    assert left_out == {0: "another answer", 6: "another answer", 7: raised}
    assert described(graph) == described(plain)
    assert torch.equal(graph(X), plain(X))


def test_a_graph_that_no_longer_runs_counts_as_another_answer():
    def misshapen(graph):
        for node in nodes_calling(graph, aten.relu.default):
            node.args = (graph.graph.call_function(aten.t.default, node.args),)
            node.prepend(node.args[0])
        return True

    module = Small().eval()
    graph = export_graph(module, (X,))
    (report,) = rewrite(graph, passes=[misshapen], check=differs(module))
    assert report.left_out.startswith("RuntimeError: t() expects a tensor with <= 2 dimensions")
    assert torch.equal(graph(X), module(X))


def test_a_right_answer_is_checked_once():
    module = Small().eval()
    check = differs(module)
    rewrite(export_graph(module, (X,)), check=check)
    assert check.asked == 1


def test_no_rewrite_is_blamed_for_a_graph_that_was_wrong_before():
    module = Small().eval()
    plain, graph = export_graph(module, (X,)), export_graph(module, (X,))
    rewrite(plain)
    reports = rewrite(graph, check=lambda graph: "never right")
    assert {report.left_out for report in reports} == {""}
    assert described(graph) == described(plain)


def test_a_program_is_judged_by_the_rewrites_that_it_was_made_with():
    left_out = "fold_constants\tIndexError: 3\nmerge_views\tit changes the answer"
    names = [apply.__name__ for apply in applied_passes(PIPELINE, left_out, "")]
    expected = [apply.__name__ for apply in PIPELINE]
    assert names == [n for n in expected if n not in ("fold_constants", "merge_views")]
    assert applied_passes(PIPELINE, "", "") == PIPELINE
    assert applied_passes(PIPELINE, left_out, "LoweringError: no") == ()


def test_nothing_is_left_out_of_what_works():
    reports = rewrite(export_graph(Small().eval(), (X,)))
    assert {report.left_out for report in reports} == {""}


def test_a_snapshot_can_be_restored_twice():
    module = Small().eval()
    graph = export_graph(module, (X,))
    code, expected = graph.code, graph(X)
    stacks = [node.meta.get("nn_module_stack") for node in graph.graph.nodes]
    snapshot = Snapshot(graph)
    for _ in range(2):
        rewrite(graph)
        assert graph.code != code
        snapshot.restore()
        assert graph.code == code
        assert torch.equal(graph(X), expected)
        assert [node.meta.get("nn_module_stack") for node in graph.graph.nodes] == stacks

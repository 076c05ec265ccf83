import pytest
import torch
from torch import nn
from torch.fx import Graph, GraphModule

from hvit_edge.errors import LoweringError
from hvit_edge.lowering import COREML_PIPELINE, NATIVE_PIPELINE, export_graph, rewrite
from hvit_edge.targets.native.graph_plan import plan_graph
from hvit_edge.targets.native.lower import lower
from hvit_edge.targets.refusals import Needs, check_flat, source_line

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


class Unusual(nn.Module):
    """Calls four operators that neither the native target nor Core ML runs."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Each of them on a line of its own."""
        y = torch.special.i0(x)
        z = torch.lgamma(y.abs() + 1)
        w = torch.cummax(z, -1)[0]
        return torch.erfinv(w.tanh())


OPERATORS = ("special_i0", "lgamma", "cummax", "erfinv")


def graph_of(module: nn.Module, passes) -> GraphModule:
    graph = export_graph(module.eval(), (torch.randn(1, 4, 6, 8),))
    rewrite(graph, passes=passes)
    return graph


def lower_natively(module: nn.Module) -> None:
    plan_graph(graph_of(module, NATIVE_PIPELINE))


def lower_for_coreml(module: nn.Module) -> None:
    import coremltools

    from hvit_edge.targets.coreml.translate import translate

    graph = graph_of(module, COREML_PIPELINE)
    translate(graph, opset=coremltools.target.iOS17, pixels=None)


TARGETS = {"native": lower_natively, "coreml": lower_for_coreml}


@pytest.mark.parametrize("target", TARGETS)
def test_all_refused_operators_are_listed_with_their_lines(target):
    with pytest.raises(LoweringError) as caught:
        TARGETS[target](Unusual())
    head, *listed = str(caught.value).splitlines()
    assert "got 4 that it does not; " in head and "target='xnnpack'" in head
    for name, line in zip(OPERATORS, listed, strict=True):
        assert f"aten.{name}.default" in line
        assert f"{__file__}:" in line and f"torch.{name.replace('_', '.', 1)}(" in line


@pytest.mark.parametrize("target", TARGETS)
def test_a_shape_that_depends_on_data_is_refused(target):
    class Found(nn.Module):
        def forward(self, x):
            return x.nonzero().float() * 2

    with pytest.raises(LoweringError, match="a shape that depends on the values of tensors"):
        TARGETS[target](Found())


@pytest.mark.parametrize("dtype", [torch.int32, torch.int64])
def test_the_native_target_does_not_take_a_conversion_that_rounds_for_a_view(dtype):
    class Rounded(nn.Module):
        def forward(self, x):
            return (10 * x).to(dtype).float() * 0.1

    with pytest.raises(LoweringError, match=f"aten.to.dtype of {dtype}"):
        lower_natively(Rounded())


class Chooses(nn.Module):
    """Runs one of two branches, each of which is a graph of its own."""

    def forward(self, x):
        return torch.cond(x.sum() > 0, lambda x: x + 1, lambda x: x - 1, (x,))


def test_an_operator_that_contains_a_graph_is_refused_by_name():
    inner = nn.Sequential(nn.Identity(), Chooses()).eval()
    graph = export_graph(inner, (torch.ones(2),))
    named = r"got torch\.cond, which contains a graph, in 1; use another"
    with pytest.raises(
        LoweringError, match=rf"\[here\] expected others, {named}\n  at .*torch.cond"
    ):
        check_flat(graph, Needs("here", "others", "use another"))
    with pytest.raises(LoweringError, match=r"\[targets.native\].*compile with target='xnnpack'"):
        lower(graph, (torch.ones(2),), whole=False)


def test_other_graphs_are_flat():
    graph = export_graph(nn.Linear(2, 2).eval(), (torch.ones(2),))
    check_flat(graph, Needs("here", "others", "use another"))


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_layers_of_half_precision_are_refused(target, dtype):
    class Half(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(8, 8).to(dtype)

        def forward(self, x):
            return self.layer(x.to(dtype)).float()

    with pytest.raises(LoweringError, match=rf"{dtype}.* in .*\n? .*test_refusals.py:\d+: "):
        TARGETS[target](Half())

import pytest
import torch

from hvit_edge.lowering import export_graph, rewrite
from hvit_edge.lowering.narrow_doubles import narrow_doubles

X = torch.randn(1, 4, 6, 8)
ROUNDING = 1e-6  # of float32, against float64


def double(x: torch.Tensor) -> torch.Tensor:
    wide = x.double() * torch.linspace(0, 1, 8, dtype=torch.float64)
    unit = wide / wide.pow(2).sum(-1, keepdim=True, dtype=torch.float64).sqrt()
    return unit.cumsum(-1).float() + torch.zeros_like(x, dtype=torch.float64).sum().float()


def dtypes_of(graph) -> set[torch.dtype]:
    made = [node.meta.get("val") for node in graph.graph.nodes]
    return {value.dtype for value in made if isinstance(value, torch.Tensor)}


def test_doubles_are_float32(call):
    graph = export_graph(call(double).eval(), (X,))
    assert torch.float64 in dtypes_of(graph)
    assert narrow_doubles(graph)
    graph.recompile()
    assert dtypes_of(graph) == {torch.float32}
    torch.testing.assert_close(graph(X), double(X), rtol=ROUNDING, atol=ROUNDING)
    assert not narrow_doubles(graph)


def test_a_module_that_needs_the_digits_keeps_them(call):
    module = call(lambda x: ((x.double() + 1e9) - 1e9).float())
    graph = export_graph(module.eval(), (X,))

    def check(rewritten) -> str:
        return "" if torch.allclose(rewritten(X), module(X)) else "another answer"

    (report,) = rewrite(graph, passes=(narrow_doubles,), check=check)
    assert report.left_out == "another answer"
    assert torch.float64 in dtypes_of(graph)


NEAR_MISSES = {
    "an output": lambda x: x.double(),
    "only float32": lambda x: x * 2,
    "another type": lambda x: x.bfloat16().float(),
}


@pytest.mark.parametrize("name", NEAR_MISSES)
def test_near_misses_stay(name, untouched, call):
    untouched(narrow_doubles, call(NEAR_MISSES[name]), X)


def test_an_input_of_float64_stays(untouched, call):
    untouched(narrow_doubles, call(lambda x: x.float() * 2), X.double())

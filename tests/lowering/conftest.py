"""Check a rewrite: count operators, rewrite, count again, compare, rewrite again."""

from collections import Counter
from collections.abc import Callable

import pytest
import torch
from torch import nn
from torch.fx import GraphModule

from hvit_edge.lowering import Rewrite, export_graph
from hvit_edge.lowering.graph import cleanup

EXACT = 1e-9  # relative, in float64: folded arithmetic may round in another order


def count(graph: GraphModule) -> Counter:
    """Count the calls of each operator, by short name such as `layer_norm`."""
    calls = [node for node in graph.graph.nodes if node.op == "call_function"]
    return Counter(str(node.target).removeprefix("aten.").split(".")[0] for node in calls)


def outputs(module: nn.Module, inputs: tuple[torch.Tensor, ...]) -> list[torch.Tensor]:
    with torch.inference_mode():
        result = module(*inputs)
    return [result] if isinstance(result, torch.Tensor) else list(result)


def assert_shapes_hold(graph: GraphModule, inputs: tuple[torch.Tensor, ...]) -> None:
    """Check that nodes compute tensors of the shapes and dtypes that they state."""

    class Checker(torch.fx.Interpreter):
        def run_node(self, node):
            result = super().run_node(node)
            if node.op == "call_function" and isinstance(result, torch.Tensor):
                assert node.meta["val"].shape == result.shape, node.format_node()
                assert node.meta["val"].dtype == result.dtype, node.format_node()
            return result

    with torch.inference_mode():
        Checker(graph).run(*inputs)


@pytest.fixture
def rewritten() -> Callable[..., Counter]:
    """Return the check `(rewrite, module, *inputs, bit_equal=False) -> operators`."""

    def check(
        rewrite: Rewrite, module: nn.Module, *inputs: torch.Tensor, bit_equal: bool = False
    ) -> Counter:
        module, inputs = module.eval().double(), tuple(tensor.double() for tensor in inputs)
        expected = outputs(module, inputs)
        graph = export_graph(module, inputs)
        assert rewrite(graph), "the rewrite found nothing to do"
        cleanup(graph)
        graph.graph.lint()
        assert_shapes_hold(graph, inputs)
        for want, got in zip(expected, outputs(graph, inputs), strict=True):
            assert want.shape == got.shape
            if bit_equal:
                assert torch.equal(want, got)
            else:
                assert (want - got).abs().max() <= EXACT * want.abs().max()
        for want, got in zip(expected, outputs(module, inputs), strict=True):
            assert torch.equal(want, got), "the rewrite changed the module that it came from"
        after = count(graph)
        assert not rewrite(graph), "a second run changed something"
        return after

    return check


@pytest.fixture
def untouched() -> Callable[..., None]:
    """Return the check `(rewrite, module, *inputs)` that a near miss is not changed."""

    def check(rewrite: Rewrite, module: nn.Module, *inputs: torch.Tensor) -> None:
        graph = export_graph(module.eval(), inputs)
        before = graph.code
        assert not rewrite(graph)
        graph.recompile()
        assert graph.code == before

    return check


class Call(nn.Module):
    """A function as a module."""

    def __init__(self, function: Callable[..., torch.Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
        return self.function(*inputs)


@pytest.fixture
def call() -> type[Call]:
    return Call


@pytest.fixture(autouse=True)
def seeded() -> None:
    torch.manual_seed(0)

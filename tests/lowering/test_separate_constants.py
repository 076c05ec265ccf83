import torch
from torch import nn

from hvit_edge.lowering import export_graph
from hvit_edge.lowering.separate_constants import separate_constants


class Shared(nn.Module):
    """One constant, read by two operators."""

    def __init__(self, *shape: int) -> None:
        super().__init__()
        self.register_buffer("constant", torch.randn(shape))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return (x + self.constant).exp() * self.constant


def test_each_reader_gets_its_own(rewritten):
    x = torch.randn(1, 3, 4, 4)
    assert rewritten(separate_constants, Shared(1, 3, 4, 1), x, bit_equal=True)


def test_near_misses_stay(untouched):
    x = torch.randn(1, 3, 4, 4)
    untouched(separate_constants, Shared(3, 4, 1), x)  # it has only one layout
    untouched(separate_constants, Shared(1, 3, 1, 1), x)  # the same in each


class Layered(nn.Module):
    """A constant that is the bias of a layer, and is added and multiplied elsewhere."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(4, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return (self.linear(x) * self.linear.bias + self.linear.bias) * self.linear.weight


def test_parts_of_layers_are_theirs_alone():
    module = Layered().eval()
    x = torch.randn(1, 4, 4)
    graph = export_graph(module, (x,))
    assert separate_constants(graph)
    targets = [n.target for n in graph.graph.nodes if n.op == "get_attr"]
    assert len(set(targets)) == 4  # weight, bias, and one copy of each
    assert torch.equal(graph(x), module(x))
    assert not separate_constants(graph)

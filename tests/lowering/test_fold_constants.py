import torch
from torch import nn

from hvit_edge.lowering.fold_constants import fold_constants


class PositionBias(nn.Module):
    """A table of parameters gathered by constant indices, as Swin does it."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Parameter(torch.randn(9, 2))
        self.register_buffer("index", torch.randint(0, 9, (4, 4)))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.table[self.index].permute(2, 0, 1)


def test_constant_subgraph_becomes_one_constant(rewritten):
    after = rewritten(fold_constants, PositionBias(), torch.randn(2, 4, 4), bit_equal=True)
    assert after == {"add": 1}


def test_constants_of_the_shape_of_an_input(rewritten, call):
    padded = call(lambda x: torch.cat([x, torch.zeros_like(x), x.new_ones(2, 4)], 1))
    assert rewritten(fold_constants, padded, torch.randn(2, 3), bit_equal=True) == {"cat": 1}


def test_constants_that_numpy_does_not_know(rewritten, call):
    table = torch.randn(3)
    scaled = call(lambda x: (x.bfloat16() * table.bfloat16()).double())
    after = rewritten(fold_constants, scaled, torch.randn(2, 3), bit_equal=True)
    assert (after["to"], after["mul"]) == (2, 1)


def test_what_depends_on_the_input_stays(untouched):
    untouched(fold_constants, nn.Linear(3, 4), torch.randn(2, 3))


def test_random_numbers_stay(untouched, call):
    untouched(fold_constants, call(lambda x: x + torch.rand(3)), torch.randn(3))


class StandardizedConv(nn.Module):
    """A convolution whose weights are normalized when it runs, as in BiT."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(6, 3, 3, 3))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        flat = self.weight.reshape(1, 6, -1)
        weight = nn.functional.batch_norm(flat, None, None, training=True, momentum=0.0)
        return nn.functional.conv2d(x, weight.reshape_as(self.weight))


def test_operators_of_several_results_are_folded(rewritten):
    after = rewritten(fold_constants, StandardizedConv(), torch.randn(2, 3, 6, 6))
    assert after == {"conv2d": 1}


def test_results_of_what_depends_on_the_input_stay(untouched, call):
    untouched(fold_constants, call(lambda x: x.max(1)[0]), torch.randn(2, 3))

import torch
from torch import nn

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
    untouched(separate_constants, Shared(3, 4, 1), x)  # no layout but one
    untouched(separate_constants, Shared(1, 3, 1, 1), x)  # the same in each

import torch
from torch import nn

from hvit_edge.lowering.replace_matmul import replace_matmul


def test_equal_leading_dimensions_become_bmm(rewritten, call):
    a, b = torch.randn(1, 2, 5, 3), torch.randn(1, 2, 3, 4)
    after = rewritten(replace_matmul, call(lambda a, b: a @ b), a, b)
    assert after == {"bmm": 1, "reshape": 3}


class Projection(nn.Module):
    """A product with a constant matrix that is no `nn.Linear`."""

    def __init__(self) -> None:
        super().__init__()
        self.matrix = nn.Parameter(torch.randn(3, 4))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x @ self.matrix


def test_constant_matrix_becomes_linear(rewritten):
    assert rewritten(replace_matmul, Projection(), torch.randn(2, 5, 3)) == {"linear": 1}


def test_broadcast_stays(untouched, call):
    a, b = torch.randn(2, 5, 3), torch.randn(1, 3, 4)
    untouched(replace_matmul, call(lambda a, b: a @ b), a, b)


def test_two_plain_matrices_stay(untouched, call):
    untouched(replace_matmul, call(lambda a, b: a @ b), torch.randn(5, 3), torch.randn(3, 4))

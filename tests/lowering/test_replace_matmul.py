import pytest
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


PRODUCTS = {
    "shared right factor": ((2, 4, 5, 3), (1, 1, 3, 4), {"bmm": 1, "reshape": 3}),
    "right factor of lower rank": ((2, 5, 3), (3, 4), {"bmm": 1, "reshape": 3}),
    "shared left factor": ((5, 3), (2, 3, 4), {"reshape": 1, "mul": 1, "bmm": 1}),
    "both repeated": ((2, 1, 5, 3), (1, 4, 3, 2), {"mul": 2, "reshape": 3, "bmm": 1}),
    "matrices": ((5, 3), (3, 4), {"bmm": 1, "reshape": 3}),
    "vector": ((2, 5, 3), (3,), {"bmm": 1, "reshape": 4}),
    "vector first": ((3,), (3, 4), {"bmm": 1, "reshape": 4}),
}


@pytest.mark.parametrize("name", PRODUCTS)
def test_other_products_become_bmm(name, rewritten, call):
    left, right, expected = PRODUCTS[name]
    a, b = torch.randn(left), torch.randn(right)
    assert rewritten(replace_matmul, call(lambda a, b: a @ b), a, b) == expected


class Mixing(nn.Module):
    """A constant matrix that mixes tokens."""

    def __init__(self) -> None:
        super().__init__()
        self.matrix = nn.Parameter(torch.randn(4, 5))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.matrix @ x


def test_constant_left_matrix_becomes_linear(rewritten):
    assert rewritten(replace_matmul, Mixing(), torch.randn(2, 5, 3)) == {"permute": 2, "linear": 1}


def test_computed_weights_become_a_product(rewritten, call):
    def project(x, weight):
        return nn.functional.linear(x, weight, weight[:, 0])

    after = rewritten(replace_matmul, call(project), torch.randn(2, 5, 3), torch.randn(4, 3))
    assert (after["bmm"], after["add"], after["linear"]) == (1, 1, 0)


def test_integers_stay(untouched, call):
    x = torch.arange(9).reshape(3, 3)
    untouched(replace_matmul, call(lambda a: a @ a), x)

import pytest
import torch

from hvit_edge.lowering.remove_expands import remove_expands

X = torch.randn(2, 3, 4)
NEEDLESS = {
    "first": lambda x: x[:, :1].expand(2, 3, 4) * x,
    "second": lambda x: x - x.mean(-1, keepdim=True).expand(2, 3, 4),
    "twice": lambda x: x / x[:1, :1].expand(1, 3, 4).expand(2, 3, 4),
    "one of two": lambda x: x[:, :1].expand(-1, 3, -1) + x[:, :, :1].expand(-1, -1, 4),
}


@pytest.mark.parametrize("name", NEEDLESS)
def test_expands_go(name, rewritten, call):
    after = rewritten(remove_expands, call(NEEDLESS[name]), X, bit_equal=True)
    assert after["expand"] == 0


def test_a_product_broadcasts_its_leading_dimensions(rewritten, call):
    y = torch.randn(2, 4, 5)
    product = call(lambda x, y: x[:1].expand(2, 3, 4) @ y[:, :, :2].expand(2, 4, 2))
    assert rewritten(remove_expands, product, X, y, bit_equal=True)["expand"] == 0


NEAR_MISSES = {
    "gives the shape": lambda x: x[:, :1].expand(2, 3, 4) + x[:, :1],
    "alone": lambda x: x[:, :1].expand(2, 3, 4) * 2,
    "more dimensions": lambda x: x[0].expand(2, 3, 4) + x,
    "rows of a product": lambda x: x[:, :1].expand(2, 3, 4) @ x.mT,
    "batch of a product": lambda x: x[:1].expand(2, 3, 4) @ x[0].mT,
    "is the result": lambda x: x[:, :1].expand(2, 3, 4),
}


@pytest.mark.parametrize("name", NEAR_MISSES)
def test_near_misses_stay(name, untouched, call):
    untouched(remove_expands, call(NEAR_MISSES[name]), X)

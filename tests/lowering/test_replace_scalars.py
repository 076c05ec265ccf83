import pytest
import torch

from hvit_edge.lowering.replace_scalars import replace_scalars

ARITHMETIC = {
    "add": lambda x: x + 0.5,
    "sub": lambda x: x - 3,
    "mul": lambda x: 0.1 * x,
    "div": lambda x: x / 7,
}
NEAR_MISSES = {
    "two tensors": lambda x: x + x,
    "alpha": lambda x: torch.add(x, 1.0, alpha=2),
    "alpha of what is subtracted": lambda x: torch.rsub(x, 1.0, alpha=2),
    "whole numbers": lambda x: (x > 0).long() + 1,
}


@pytest.mark.parametrize("name", ARITHMETIC)
def test_number_becomes_a_constant(name, rewritten, call):
    x = torch.randn(2, 3)
    assert rewritten(replace_scalars, call(ARITHMETIC[name]), x, bit_equal=True) == {name: 1}


def test_number_before_the_tensor(rewritten, call):
    after = rewritten(replace_scalars, call(lambda x: 1 - x), torch.randn(2, 3), bit_equal=True)
    assert after == {"sub": 1}


@pytest.mark.parametrize("name", NEAR_MISSES)
def test_near_miss_stays(name, untouched, call):
    untouched(replace_scalars, call(NEAR_MISSES[name]), torch.randn(2, 3))

import pytest
import torch

from hvit_edge.lowering.replace_repeats import replace_repeats

X = torch.randn(1, 3, 4)
REPEATS = {
    "expand": (lambda x: x.expand(2, 3, 4), {"mul": 1}),
    "expand to more dimensions": (lambda x: x.expand(2, 5, 3, 4), {"reshape": 1, "mul": 1}),
    "repeat": (lambda x: x.repeat(1, 2, 3), {"reshape": 4, "mul": 2}),
    "interleave": (lambda x: x.repeat_interleave(3, -1), {"reshape": 2, "mul": 1}),
    "interleave all": (lambda x: x.repeat_interleave(2), {"reshape": 3, "mul": 1}),
}


@pytest.mark.parametrize("name", REPEATS)
def test_repeats_are_products_with_ones(name, rewritten, call):
    function, expected = REPEATS[name]
    assert rewritten(replace_repeats, call(function), X, bit_equal=True) == expected


NEAR_MISSES = {
    "integers": lambda x: x.argmax(-1).expand(2, 3),
    "other repeats": lambda x: x.repeat_interleave(torch.tensor([1, 2, 1]), 1, output_size=4),
}


@pytest.mark.parametrize("name", NEAR_MISSES)
def test_near_misses_stay(name, untouched, call):
    untouched(replace_repeats, call(NEAR_MISSES[name]), X)

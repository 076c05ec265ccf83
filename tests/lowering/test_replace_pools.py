import pytest
import torch
import torch.nn.functional as F

from hvit_edge.lowering.replace_pools import replace_pools

X = torch.randn(2, 3, 9, 8)
PADDED = {"constant_pad_nd": 1, "avg_pool2d": 1}
POOLS = {
    "padding that counts": (lambda x: F.avg_pool2d(x, 3, 1, 1), PADDED),
    "ceiling": (lambda x: F.avg_pool2d(x, 3, 2, ceil_mode=True), {**PADDED, "mul": 1}),
    "ceiling, padding apart": (
        lambda x: F.avg_pool2d(x, (2, 3), (3, 2), 1, ceil_mode=True, count_include_pad=False),
        {**PADDED, "mul": 1},
    ),
    "ceiling without a rest": (lambda x: F.avg_pool2d(x, 3, 3, ceil_mode=True), None),
    "divisor": (lambda x: F.avg_pool2d(x, 2, divisor_override=3), {"avg_pool2d": 1, "mul": 1}),
    "rows": (lambda x: F.avg_pool1d(x[0], 3, 2, 1), None),
    "one pixel": (lambda x: F.max_pool2d(x, 1, (3, 2)), {"slice": 2}),
    "average of one pixel": (lambda x: F.avg_pool2d(x, 1, (1, 2), ceil_mode=True), {"slice": 1}),
    "maxima of rows": (
        lambda x: F.max_pool1d(x[0], 3, 2, 1, dilation=2),
        {"reshape": 2, "max_pool2d": 1},
    ),
    "adaptive, whole windows": (lambda x: F.adaptive_avg_pool2d(x, (3, 4)), {"avg_pool2d": 1}),
    "adaptive, others": (lambda x: F.adaptive_avg_pool2d(x, (4, 11)), {"linear": 2, "permute": 2}),
    "adaptive, rows": (lambda x: F.adaptive_avg_pool1d(x[0], 3), {"linear": 1, "reshape": 2}),
    "adaptive maxima": (lambda x: F.adaptive_max_pool2d(x, (3, 2)), {"max_pool2d": 1}),
}


@pytest.mark.parametrize("name", POOLS)
def test_pools_are_of_the_form_that_xnnpack_takes(name, rewritten, call):
    function, expected = POOLS[name]
    after = rewritten(replace_pools, call(function), X)
    if expected is not None:
        assert {operator: after[operator] for operator in expected} == expected


NEAR_MISSES = {
    "plain": lambda x: F.avg_pool2d(x, 3, 2),
    "padding apart": lambda x: F.avg_pool2d(x, 3, 2, 1, count_include_pad=False),
    "maxima, ceiling": lambda x: F.max_pool2d(x, 3, 2, 1, ceil_mode=True),
    "maxima": lambda x: F.max_pool2d(x, 3, 2, 1),
    "all pixels": lambda x: F.adaptive_avg_pool2d(x, 1),
    "places": lambda x: F.adaptive_max_pool2d(x, (3, 2), return_indices=True)[1],
    "maxima of other windows": lambda x: F.adaptive_max_pool2d(x, (2, 3)),
}


@pytest.mark.parametrize("name", NEAR_MISSES)
def test_near_misses_stay(name, untouched, call):
    untouched(replace_pools, call(NEAR_MISSES[name]), X)

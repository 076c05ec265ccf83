import pytest
import torch
from torch import nn

from hvit_edge.lowering.replace_mean import replace_mean

IMAGE, TOKENS = torch.randn(2, 3, 4, 5), torch.randn(1, 6, 8)
MEANS = {
    "plane": (lambda x: x.mean((2, 3)), IMAGE, {"mean": 1, "reshape": 1}),
    "plane, negative dims": (lambda x: x.mean((-1, -2)), IMAGE, {"mean": 1, "reshape": 1}),
    "pool": (lambda x: nn.functional.adaptive_avg_pool2d(x, 1), IMAGE, {"mean": 1}),
    "tokens": (lambda x: x.mean(1), TOKENS, {"bmm": 1, "reshape": 1}),
    "tokens, keepdim": (lambda x: x.mean(1, keepdim=True), TOKENS, {"bmm": 1}),
    "channels": (lambda x: x.mean(-1), TOKENS, {"linear": 1, "reshape": 1}),
    "channels, keepdim": (lambda x: x.mean(-1, True), TOKENS, {"linear": 1}),
    "tokens of several images": (
        lambda x: x.mean(1),
        torch.randn(2, 6, 8),
        {"permute": 1, "linear": 1, "reshape": 1},
    ),
    "dimensions apart": (
        lambda x: x.mean((1, 3)),
        IMAGE,
        {"permute": 1, "linear": 1, "reshape": 2},
    ),
    "rows, keepdim": (
        lambda x: x.mean(2, keepdim=True),
        IMAGE,
        {"permute": 1, "linear": 1, "reshape": 1},
    ),
    "everything": (lambda x: x.mean(), TOKENS, {"linear": 1, "reshape": 2}),
}
NEAR_MISSES = {
    "plane already": (lambda x: x.mean((2, 3), keepdim=True), IMAGE),
    "change of dtype": (lambda x: x.mean(1, dtype=torch.float64), TOKENS),
    "pool to a grid": (lambda x: nn.functional.adaptive_avg_pool2d(x, 2), IMAGE),
}


@pytest.mark.parametrize("name", MEANS)
def test_replaced(name, rewritten, call):
    function, x, expected = MEANS[name]
    assert rewritten(replace_mean, call(function), x) == expected


@pytest.mark.parametrize("name", NEAR_MISSES)
def test_near_miss_stays(name, untouched, call):
    function, x = NEAR_MISSES[name]
    untouched(replace_mean, call(function), x)

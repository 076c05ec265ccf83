import pytest
import torch
import torch.nn.functional as F

from hvit_edge.lowering.replace_max import replace_max

X = torch.randn(2, 3, 4, 5)
MAXIMA = {
    "values": (lambda x: x.max(1).values, {"amax": 1}),
    "kept": (lambda x: x.max(-1, keepdim=True)[0], {"amax": 1}),
    "global pool": (lambda x: F.adaptive_max_pool2d(x, 1), {"max_pool2d": 1}),
    "plane": (lambda x: x.amax((2, 3)), {"max_pool2d": 1, "reshape": 1}),
    "plane kept": (lambda x: x.amax((-1, -2), keepdim=True), {"max_pool2d": 1}),
}


@pytest.mark.parametrize("name", MAXIMA)
def test_maxima_are_written_without_places(name, rewritten, call):
    function, operators = MAXIMA[name]
    after = rewritten(replace_max, call(lambda x: function(x) + 1), X, bit_equal=True)
    assert dict(after) == {**operators, "add": 1}


NEAR_MISSES = {
    "both": lambda x: sum(x.max(1)),
    "places alone": lambda x: x.max(1)[1],
    "four pixels": lambda x: F.adaptive_max_pool2d(x, 2),
    "rows": lambda x: x.amax(3),
    "rank three": lambda x: x[0].amax((1, 2)),
    "one pixel": lambda x: x[:, :, :1, :1].amax((2, 3)),
}


@pytest.mark.parametrize("name", NEAR_MISSES)
def test_near_misses_stay(name, untouched, call):
    untouched(replace_max, call(NEAR_MISSES[name]), X)

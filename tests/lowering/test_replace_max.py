import pytest
import torch
import torch.nn.functional as F

from hvit_edge.lowering.replace_max import replace_max

X = torch.randn(2, 3, 4, 5)
MAXIMA = {
    "values": (lambda x: x.max(2).values, {"slice": 4, "maximum": 3, "reshape": 1}),
    "kept": (lambda x: x.max(-1, keepdim=True)[0], {"reshape": 2, "max_pool2d": 1}),
    "channels": (lambda x: x.amax((1, 2)), {"permute": 1, "reshape": 2, "max_pool2d": 1}),
    "all": (lambda x: x.max(), {"reshape": 2, "max_pool2d": 1}),
    "rank three": (lambda x: x[0].amax((1, 2)), {"select": 1, "reshape": 2, "max_pool2d": 1}),
    "minima": (lambda x: x.amin((2, 3), keepdim=True), {"neg": 2, "max_pool2d": 1}),
    "least": (lambda x: x.min(3)[0], {"neg": 2, "reshape": 2, "max_pool2d": 1}),
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
    "integers": lambda x: x.argmax(1).amax(1),
}


@pytest.mark.parametrize("name", NEAR_MISSES)
def test_near_misses_stay(name, untouched, call):
    untouched(replace_max, call(NEAR_MISSES[name]), X)

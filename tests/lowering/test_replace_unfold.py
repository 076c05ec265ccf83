import pytest
import torch
import torch.nn.functional as F

from hvit_edge.lowering.replace_unfold import replace_unfold

X = torch.randn(2, 3, 8, 9)
WINDOWS = {
    "windows": (lambda x: F.unfold(x, 3, padding=1, stride=2), {"conv2d": 1, "reshape": 2}),
    "dilated": (lambda x: F.unfold(x, (2, 3), dilation=2), {"conv2d": 1, "reshape": 2}),
    "of one dimension": (lambda x: x.unfold(2, 4, 2), {"cat": 1, "permute": 1}),
    "of another step": (lambda x: x.unfold(3, 6, 4).unfold(2, 2, 3), {"cat": 2, "slice": 6}),
    "side by side": (lambda x: x.unfold(3, 3, 3), {"cat": 0, "permute": 0}),
}
SUMS = {
    "overlapping": (3, {"padding": 1, "stride": 2}),
    "side by side": (2, {"stride": 2}),
    "dilated": (2, {"dilation": 3}),
}


@pytest.mark.parametrize("name", WINDOWS)
def test_windows(name, rewritten, call):
    function, expected = WINDOWS[name]
    after = rewritten(replace_unfold, call(function), X, bit_equal=True)
    assert {operator: after[operator] for operator in expected} == expected


@pytest.mark.parametrize("name", SUMS)
def test_sums_of_windows(name, rewritten, call):
    kernel, options = SUMS[name]
    windows = F.unfold(X, kernel, **options)
    folded = call(lambda x: F.fold(x, (8, 9), kernel, **options))
    assert rewritten(replace_unfold, folded, windows) == {"conv_transpose2d": 1, "reshape": 2}


def test_windows_of_many_parts_stay(untouched, call):
    untouched(replace_unfold, call(lambda x: x.reshape(2, -1).unfold(1, 19, 2)), X)

"""Padding with a number, against float64, and what it costs."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.functional import pad

from hvit_edge.errors import LoweringError
from hvit_edge.models.swin import Windows
from hvit_edge.targets.native.values import Number

SUM = 3e-6

WIDTHS = {
    "below and to the right": (0, 0, 0, 2, 0, 3),
    "everywhere": (1, 2, 3, 4, 5, 6),
    "channels alone": (3, 1),
    "rows alone": (0, 0, 0, 0, 2, 0),
}


@pytest.mark.slow
@pytest.mark.parametrize("value", [0.0, -1.5])
@pytest.mark.parametrize("widths", WIDTHS.values(), ids=WIDTHS)
def test_input_moves_unchanged(widths, value, run_native, call):
    module = call(lambda x: pad(x, widths, value=value))
    ran = run_native(module, torch.randn(1, 4, 5, 9))
    np.testing.assert_array_equal(ran.output, ran.expected.astype(np.float32))


def test_padded_planes(run_native, call):
    module = call(lambda x, conv: conv(pad(x, (0, 1, 0, 1))), conv=nn.Conv2d(3, 8, 3, 2))
    assert run_native(module, torch.randn(1, 3, 12, 10)).error < SUM


def test_a_norm_writes_into_the_middle(run_native, call):
    def tokens(x, conv, norm, layer):
        return layer(pad(norm(conv(x).permute(0, 2, 3, 1)), (0, 0, 0, 2, 0, 1)))

    modules = {"conv": nn.Conv2d(9, 17, 3), "norm": nn.LayerNorm(17), "layer": nn.Linear(17, 8)}
    ran = run_native(call(tokens, **modules), torch.randn(1, 9, 6, 7))
    assert ran.error < SUM
    assert (ran.kinds["LayerNorm"], ran.kinds["Linear"]) == (1, 1)
    assert ran.kinds["Copy"] == 2  # the border below, and that to the right


def test_windows_of_swin_that_do_not_divide_the_map(run_native, call):
    windows = Windows.of_block((10, 9), shifted=True)

    def block(x, norm, layer):
        return x + windows.join(layer(windows.part(norm(x))))

    ran = run_native(
        call(block, norm=nn.LayerNorm(16), layer=nn.Linear(16, 16)), torch.randn(1, 10, 9, 16)
    )
    assert ran.error < SUM
    assert ran.kinds == {"LayerNorm": 1, "Copy": 2, "Linear": 1, "Add": 1}


def test_what_is_read_elsewhere_too_is_copied(run_native, call):
    def tokens(x, norm, layer):
        x = norm(x)
        return layer(pad(x, (0, 0, 1, 1)))[:, 1:-1] + x

    modules = {"norm": nn.LayerNorm(17), "layer": nn.Linear(17, 17)}
    assert run_native(call(tokens, **modules), torch.randn(1, 7, 17)).error < SUM


def test_constant_pad_nd_is_the_same(run_native, call):
    module = call(lambda x: torch.constant_pad_nd(x, (0, 2, 1, 0), 0.5))
    ran = run_native(module, torch.randn(1, 3, 4, 5))
    np.testing.assert_array_equal(ran.output, ran.expected.astype(np.float32))


def test_float16(run_native, call):
    module = call(lambda x: pad(x, (2, 0, 1, 1), value=0.25))
    ran = run_native(module, torch.randn(1, 3, 4, 5), Number.FLOAT16)
    np.testing.assert_array_equal(ran.output, ran.expected.astype(np.float16))


REFUSED = {
    "not a number": (lambda x: pad(x, (0, 1), value=float("nan")), "padding with nan"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name, lowered, call):
    function, message = REFUSED[name]
    with pytest.raises(LoweringError, match=message):
        lowered(call(function), torch.randn(1, 3, 4, 5))


FOLDS = {
    "apart": (lambda x: F.fold(x, (4, 6), 2, stride=2), (1, 20, 6)),
    "overlapping": (lambda x: F.fold(x, (7, 9), 3, padding=1, stride=2), (2, 36, 20)),
    "every pixel": (lambda x: F.fold(x, (5, 4), 3, padding=1), (1, 27, 20)),
    "dilated": (lambda x: F.fold(x, (7, 6), (3, 2), (2, 1), 0, (1, 2)), (1, 24, 9)),
    "gaps": (lambda x: F.fold(x, (5, 7), 1, stride=3), (1, 8, 6)),
    "one image": (lambda x: F.fold(x, (5, 4), 3, padding=1), (27, 20)),
    "of windows": (
        lambda x: F.fold(F.unfold(x, 3, 1, 1, 2).relu(), (8, 6), 3, 1, 1, 2),
        (1, 5, 8, 6),
    ),
}


def test_folds(run_each):
    for name, ran in run_each(FOLDS).items():
        assert ran.error < 1e-6, name

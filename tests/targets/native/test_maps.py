"""Pools, means, norms and nearest neighbours, against float64."""

import pytest
import torch
from torch import nn
from torch.nn.functional import interpolate

SUM = 3e-6

POOLS = {
    "max": (nn.MaxPool2d(2), 8),
    "max with padding": (nn.MaxPool2d(3, 2, 1), 8),
    "max of overlapping windows": (nn.MaxPool2d(3, 1), 33),
    "max of few channels": (nn.MaxPool2d(3, 2, 1), 3),
    "mean": (nn.AvgPool2d(2), 17),
    "mean of wide windows": (nn.AvgPool2d((3, 4), (2, 1)), 33),
    "mean of few channels": (nn.AvgPool2d(2), 5),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", POOLS)
def test_pools(name, run_native):
    pool, channels = POOLS[name]
    module = nn.Sequential(nn.Conv2d(channels, channels, 1), pool)
    ran = run_native(module, torch.randn(1, channels, 9, 11) - 3)
    assert ran.error < SUM
    assert ran.kinds["Pooling"] == 1


@pytest.mark.slow
@pytest.mark.parametrize("channels", [1, 5, 17, 144])
@pytest.mark.parametrize("affine", [True, False])
def test_layer_norm(channels, affine, run_native):
    norm = nn.LayerNorm(channels, elementwise_affine=affine)
    if affine:
        nn.init.normal_(norm.weight)
        nn.init.normal_(norm.bias)
    x = torch.randn(1, 7, channels) * 3 + 5
    if channels == 1:  # all that is left of one value is the shift
        assert abs(run_native(norm, x).output - (norm.bias.item() if affine else 0)).max() == 0
        return
    ran = run_native(norm, x)
    assert ran.error < 4e-6  # the mean is far from zero
    assert ran.kinds == {"LayerNorm": 1}


def test_layer_norm_of_channels(run_native, call):
    def norm_pixels(x, conv, norm):
        return norm(conv(x).permute(0, 2, 3, 1)).permute(0, 3, 1, 2)

    modules = {"conv": nn.Conv2d(9, 17, 3), "norm": nn.LayerNorm(17)}
    ran = run_native(call(norm_pixels, **modules), torch.randn(1, 9, 6, 7))
    assert ran.error < 2e-6
    assert ran.kinds["Convolution"] == ran.kinds["LayerNorm"] == 1


MEANS = {
    "tokens": (lambda x: x.mean(1), (1, 49, 17)),
    "tokens of several windows": (lambda x: x.mean(1, keepdim=True), (4, 7, 33)),
    "pixels": (lambda x: x.mean((2, 3)), (1, 17, 5, 7)),
    "pixels, kept": (lambda x: x.mean((-1, -2), keepdim=True), (1, 5, 6, 7)),
    "global pool": (lambda x: nn.functional.adaptive_avg_pool2d(x, 1), (1, 17, 5, 7)),
}


@pytest.mark.parametrize("name", MEANS)
def test_means(name, run_native, call):
    function, shape = MEANS[name]
    ran = run_native(call(function), torch.randn(shape))
    assert ran.error < SUM
    assert ran.kinds["Mean"] == 1


@pytest.mark.parametrize("size", [(12, 14), (6, 21), (9, 10), (13, 7), (3, 4)])
def test_nearest_neighbours(size, run_native, call):
    def resize(x, before, after):
        return after(interpolate(before(x), size=size))

    modules = {"before": nn.Conv2d(9, 17, 1), "after": nn.Conv2d(17, 8, 1)}
    ran = run_native(call(resize, **modules), torch.randn(1, 9, 6, 7))
    assert ran.error < SUM
    assert ran.kinds["Linear"] == 2


@pytest.mark.parametrize("size", [(12, 14), (9, 5)])
@pytest.mark.parametrize("align_corners", [True, False])
def test_bilinear(size, align_corners, run_native, call):
    def resize(x, before):
        return interpolate(before(x), size=size, mode="bilinear", align_corners=align_corners)

    ran = run_native(call(resize, before=nn.Conv2d(9, 17, 1)), torch.randn(1, 9, 6, 7))
    assert ran.error < 2 * SUM

"""Linear layers and convolutions, against float64."""

import pytest
import torch
from torch import nn

SUM = 3e-6  # float32: sums of some hundred products, in another order


@pytest.mark.slow
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(
    ("tokens", "depth", "columns"),
    [(1, 3, 5), (7, 17, 33), (49, 32, 16), (197, 33, 1), (6, 1, 48), (13, 130, 260)],
)
def test_linear(tokens, depth, columns, bias, run_native):
    ran = run_native(nn.Linear(depth, columns, bias=bias), torch.randn(1, tokens, depth))
    assert ran.error < SUM
    assert ran.kinds == {"Linear": 1}


def test_linear_of_a_permuted_input_turns_it(run_native, call):
    module = call(lambda x, layer: layer(x.transpose(1, 2)), layer=nn.Linear(17, 5))
    ran = run_native(module, torch.randn(1, 17, 7))
    assert ran.error < SUM
    assert ran.kinds == {"Transpose": 1, "Linear": 1}


@pytest.mark.parametrize(
    "cut",
    [
        lambda x: x[:, 1::2],  # rows a fixed way apart
        lambda x: x[:, :, 3:20],  # of wider rows
        lambda x: torch.roll(x, 5, 1),  # rows by table
        lambda x: x.reshape(3, 7, 17).permute(1, 0, 2),
        lambda x: x[:, :1].expand(1, 4, 17),
    ],
)
def test_linear_of_rows_anywhere_copies_nothing(cut, run_native, call):
    x = torch.randn(1, 21, 17) if cut(torch.zeros(1, 21, 17)).shape[-1] == 17 else None
    x = torch.randn(1, 21, 25) if x is None else x
    width = cut(x).shape[-1]
    ran = run_native(call(lambda x, layer: layer(cut(x)), layer=nn.Linear(width, 19)), x)
    assert ran.error < SUM
    assert ran.kinds == {"Linear": 1}


CONVOLUTIONS = {
    "1x1": ((17, 9, 7), nn.Conv2d(17, 33, 1)),
    "1x1 without bias": ((32, 5, 5), nn.Conv2d(32, 5, 1, bias=False)),
    "1x1 with stride": ((17, 9, 7), nn.Conv2d(17, 16, 1, 2)),
    "1x1 with padding": ((16, 5, 6), nn.Conv2d(16, 17, 1, padding=1)),
    "3x3": ((17, 9, 7), nn.Conv2d(17, 33, 3, padding=1)),
    "3x3 without padding": ((16, 8, 9), nn.Conv2d(16, 5, 3)),
    "3x3 of 33 channels": ((33, 6, 5), nn.Conv2d(33, 16, 3, padding=1, bias=False)),
    "3x3 with stride": ((16, 9, 8), nn.Conv2d(16, 17, 3, 2, 1)),
    "3x3 with unequal strides and padding": ((8, 11, 9), nn.Conv2d(8, 3, 3, (2, 1), (0, 1))),
    "1x3": ((8, 6, 7), nn.Conv2d(8, 8, (1, 3), padding=(0, 1))),
    "5x5 over a map that is smaller": ((9, 3, 2), nn.Conv2d(9, 4, 5, padding=2)),
    "7x7 with stride": ((16, 17, 19), nn.Conv2d(16, 17, 7, 4, 3)),
    "patches": ((17, 8, 12), nn.Conv2d(17, 33, 4, 4)),
    "patches that leave a rest": ((16, 9, 11), nn.Conv2d(16, 8, 2, 2)),
}


def channels_last(layer: nn.Module) -> nn.Module:
    """Return `layer` after one that leaves a channels-last map."""
    return nn.Sequential(nn.Conv2d(layer.in_channels, layer.in_channels, 1), layer)


@pytest.mark.slow
@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_convolution(name, run_native):
    shape, layer = CONVOLUTIONS[name]
    ran = run_native(channels_last(layer), torch.randn(1, *shape))
    assert ran.error < SUM
    assert ran.kinds["Linear"] + ran.kinds["Convolution"] == 2


@pytest.mark.slow
@pytest.mark.parametrize("channels", [1, 3, 5])
@pytest.mark.parametrize(
    ("kernel", "stride", "padding"), [(3, 2, 1), (3, 1, 0), (7, 4, 3), (4, 4, 0), (1, 1, 0)]
)
def test_few_channels(channels, kernel, stride, padding, run_native):
    layer = nn.Conv2d(channels, 17, kernel, stride, padding)
    ran = run_native(layer, torch.randn(1, channels, 13, 11))
    assert ran.error < SUM
    assert (ran.kinds["Linear"], ran.kinds["Pad"]) == (1, int(padding > 0))


@pytest.mark.slow
@pytest.mark.parametrize("channels", [3, 5, 17, 32, 33])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize(("height", "width"), [(9, 7), (5, 1), (8, 31)])
def test_depthwise(channels, stride, height, width, run_native):
    layer = nn.Conv2d(channels, channels, 3, stride, 1, groups=channels)
    ran = run_native(channels_last(layer), torch.randn(1, channels, height, width))
    assert ran.error < SUM
    assert ran.kinds["Depthwise"] == 1


@pytest.mark.parametrize(
    ("kernel", "stride", "padding"), [(5, 1, 2), (7, 1, 3), (2, 2, 0), ((1, 3), 1, (0, 1))]
)
def test_depthwise_kernels(kernel, stride, padding, run_native):
    layer = nn.Conv2d(18, 18, kernel, stride, padding, groups=18, bias=False)
    ran = run_native(channels_last(layer), torch.randn(1, 18, 10, 11))
    assert ran.error < SUM
    assert ran.kinds["Depthwise"] == 1


def test_depthwise_of_a_part_of_the_channels(run_native, call):
    """A map whose pixels are further apart than its channels are many."""

    def half(x, point, depthwise):
        return depthwise(point(x)[:, 3:20])

    point, depthwise = nn.Conv2d(9, 24, 1), nn.Conv2d(17, 17, 3, 1, 1, groups=17)
    ran = run_native(call(half, point=point, depthwise=depthwise), torch.randn(1, 9, 6, 7))
    assert ran.error < SUM
    assert ran.kinds["Linear"] == ran.kinds["Depthwise"] == 1


def test_a_window_over_rolled_pixels_copies_them(run_native, call):
    def rolled(x, point, conv):
        return conv(torch.roll(point(x), (2, -1), (2, 3)))

    point, conv = nn.Conv2d(9, 16, 1), nn.Conv2d(16, 5, 3, padding=1)
    ran = run_native(call(rolled, point=point, conv=conv), torch.randn(1, 9, 6, 7))
    assert ran.error < SUM
    assert ran.kinds["Linear"] == ran.kinds["Convolution"] == 1

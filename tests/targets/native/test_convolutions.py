"""Convolutions that are made of several, and padding modes, against float64."""

import pytest
import torch
from torch import nn

from hvit_edge.targets.native.values import Number

FLOAT = 3e-6
LONG = 1e-5  # of more than 2000 products for an output: 3.2e-6 was seen
HALF = 4e-3

LAYERS = {
    "groups": (nn.Conv2d(24, 36, 3, 1, 1, groups=3), (1, 24, 7, 9)),
    "groups of few": (nn.Conv2d(12, 18, 3, 2, 1, groups=6), (1, 12, 7, 9)),
    "1x1 groups": (nn.Conv2d(24, 12, 1, groups=2), (1, 24, 5, 6)),
    "several filters a channel": (nn.Conv2d(8, 24, 3, 1, 1, groups=8), (1, 8, 9, 7)),
    "dilation": (nn.Conv2d(16, 12, 3, 1, 2, dilation=2), (1, 16, 9, 11)),
    "dilation of two sides": (nn.Conv2d(16, 12, 3, 1, (0, 3), (1, 3)), (1, 16, 9, 11)),
    "dilation, no padding": (nn.Conv2d(16, 12, (2, 3), dilation=(4, 2)), (1, 16, 9, 11)),
    "dilation with strides": (nn.Conv2d(16, 12, 3, 2, 2, dilation=2), (1, 16, 9, 11)),
    "dilation beyond the map": (nn.Conv2d(16, 12, 3, 1, 5, dilation=5), (1, 16, 3, 2)),
    "dilated depthwise": (nn.Conv2d(20, 20, 3, 1, 2, dilation=2, groups=20), (1, 20, 9, 11)),
    "dilated planes": (nn.Conv2d(3, 20, 3, 2, 2, dilation=2), (1, 3, 12, 10)),
    "a batch": (nn.Conv2d(16, 12, 3, 2, 1), (3, 16, 7, 5)),
    "a batch, depthwise": (nn.Conv2d(16, 16, 3, 1, 1, groups=16), (3, 16, 7, 5)),
    "a batch of planes": (nn.Conv2d(4, 12, 3, 2, 1), (3, 4, 7, 5)),
    "a batch of pixels": (nn.Conv2d(16, 12, 1, 2), (3, 16, 7, 5)),
    "same": (nn.Conv2d(16, 12, 3, padding="same"), (1, 16, 7, 5)),
    "same, even": (nn.Conv2d(16, 12, (4, 2), padding="same"), (1, 16, 7, 5)),
    "same, even planes": (nn.Conv2d(3, 12, (4, 2), padding="same"), (1, 3, 12, 10)),
    "valid": (nn.Conv2d(16, 12, 3, padding="valid"), (1, 16, 7, 5)),
    "reflected": (nn.Conv2d(16, 12, 3, 1, 1, padding_mode="reflect"), (1, 16, 7, 5)),
    "replicated": (nn.Conv2d(16, 12, 3, 1, 2, padding_mode="replicate"), (1, 16, 7, 5)),
    "circular": (nn.Conv2d(16, 16, 3, 1, 1, 1, 16, padding_mode="circular"), (1, 16, 7, 5)),
    "a large kernel": (nn.Conv2d(16, 12, 17, 1, 3), (1, 16, 18, 18)),
    "a large depthwise kernel": (nn.Conv2d(8, 8, 21, 1, 10, groups=8), (1, 8, 13, 12)),
    "large kernels of groups": (nn.Conv2d(16, 12, 17, 1, 8, groups=2), (1, 16, 12, 13)),
    "large patches": (nn.Conv2d(3, 12, 32, 32), (1, 3, 64, 64)),
    "1-d": (nn.Conv1d(16, 12, 3, 2, 1), (1, 16, 17)),
    "1-d of a batch": (nn.Conv1d(16, 12, 3, 1, 1), (3, 16, 9)),
    "1-d of few channels": (nn.Conv1d(2, 12, 5, 2, 2), (1, 2, 17)),
    "1-d pixels": (nn.Conv1d(16, 12, 1), (2, 16, 17)),
    "1-d depthwise, dilated": (nn.Conv1d(16, 16, 3, 1, 4, dilation=4, groups=16), (1, 16, 17)),
    "1-d same": (nn.Conv1d(16, 12, 4, padding="same", dilation=2), (1, 16, 17)),
    "1-d groups": (nn.Conv1d(16, 12, 3, groups=2), (1, 16, 17)),
    "3-d, flat at the end": (nn.Conv3d(1, 12, (3, 3, 1), padding=(1, 1, 0)), (2, 1, 6, 5, 4)),
    "3-d, flat in front": (nn.Conv3d(16, 12, (1, 3, 3), (1, 2, 1), (0, 1, 1)), (1, 16, 3, 6, 5)),
    "3-d, flat between": (nn.Conv3d(8, 8, (3, 1, 2), groups=8, dilation=2), (2, 8, 6, 2, 5)),
    "3-d pixels": (nn.Conv3d(16, 12, 1), (1, 16, 2, 3, 5)),
    "transposed": (nn.ConvTranspose2d(16, 12, 2, 2), (1, 16, 5, 4)),
    "transposed, overlapping": (nn.ConvTranspose2d(16, 12, 3, 2, 1, 1), (1, 16, 5, 4)),
    "transposed, strides of three": (nn.ConvTranspose2d(16, 12, 4, 3, 2), (2, 16, 5, 4)),
    "transposed, gaps": (nn.ConvTranspose2d(16, 12, 2, 3), (1, 16, 5, 4)),
    "transposed, groups": (nn.ConvTranspose2d(16, 12, 3, 2, 1, groups=4), (1, 16, 5, 4)),
    "transposed, depthwise": (nn.ConvTranspose2d(16, 16, 4, 2, 1, groups=16), (1, 16, 5, 4)),
    "transposed, 1-d": (nn.ConvTranspose1d(16, 12, 4, 2, 1), (1, 16, 9)),
    "transposed, no strides": (nn.ConvTranspose2d(16, 12, 3, 1, 2), (1, 16, 7, 6)),
}


SUMS = (
    "dilation with strides",
    "dilated planes",
    "a large depthwise kernel",
    "large kernels of groups",
)
"""Those whose activation comes after them: they add up, or leave outputs out."""
LONG_SUMS = ("a large kernel", "large kernels of groups", "large patches")


@pytest.mark.slow
def test_convolutions(run_each):
    """Each with an activation, which its parts take on."""
    gelu = nn.GELU(approximate="tanh")
    cases = {name: (nn.Sequential(layer, gelu), x) for name, (layer, x) in LAYERS.items()}
    for name, ran in run_each(cases).items():
        assert ran.error < (LONG if name in LONG_SUMS else FLOAT), name
        assert ("Unary" in ran.kinds) == (name in SUMS), name


def test_in_float16(run_each):
    names = ["groups", "dilation", "transposed", "a large depthwise kernel", "a batch of planes"]
    for name, ran in run_each({name: LAYERS[name] for name in names}, Number.FLOAT16).items():
        assert ran.error < HALF, name


def test_between_layers(run_native):
    module = nn.Sequential(
        nn.Conv2d(3, 16, 3, 2, 1),
        nn.ReLU6(),
        nn.Conv2d(16, 16, 3, 1, 2, dilation=2, groups=16),
        nn.Hardswish(),
        nn.Conv2d(16, 32, 3, 1, 1, groups=2),
        nn.SiLU(),
        nn.ConvTranspose2d(32, 8, 2, 2),
        nn.Conv2d(8, 4, 1),
    )
    assert run_native(module, torch.randn(1, 3, 16, 18)).error < FLOAT


def test_a_scale_of_channels_is_one_pass_with_the_sum_after_it(run_native, call):
    """As layer scale and batch norms of what is no layer are."""
    gamma, norm = torch.linspace(0.5, 2, 12).reshape(12, 1, 1), nn.BatchNorm2d(12)
    nn.init.normal_(norm.running_mean)

    def forward(x, conv, norm):
        x = conv(x)
        pooled = nn.functional.max_pool2d(x, 3, 1, 1)
        return x + torch.relu(norm(pooled)) + pooled * gamma

    ran = run_native(call(forward, conv=nn.Conv2d(9, 12, 1), norm=norm), torch.randn(1, 9, 7, 5))
    assert ran.error < FLOAT
    assert ran.kinds["Depthwise"] == 2 and not {"Add", "Binary"} & set(ran.kinds)

import pytest
import torch
from torch import nn

from hvit_edge.lowering.replace_volumes import replace_volumes

X = torch.randn(2, 4, 6, 7, 8)
LAYERS = {
    "kernel": (nn.Conv3d(4, 6, (2, 3, 3)), 2),
    "padding": (nn.Conv3d(4, 6, 3, padding=1), 3),
    "stride, dilation": (nn.Conv3d(4, 6, 3, (2, 1, 2), (1, 2, 0), (1, 2, 1), bias=False), 3),
    "groups": (nn.Conv3d(4, 8, (3, 2, 3), padding=(1, 0, 1), groups=2), 2),
    "a stride along one": (nn.Conv3d(4, 6, (3, 3, 1), (1, 1, 2), 1), 1),
}


@pytest.mark.parametrize("name", LAYERS)
def test_volumes_are_sums_of_maps(name, rewritten):
    layer, count = LAYERS[name]
    after = rewritten(replace_volumes, layer, X)
    assert (after["conv3d"], after["conv2d"]) == (0, count)


def test_a_kernel_of_one_stays(untouched):
    untouched(replace_volumes, nn.Conv3d(4, 6, (1, 3, 3), padding=(0, 1, 1)), X)


def test_computed_weights_stay(untouched, call):
    weight = torch.randn(4, 4, 3, 3, 3)
    untouched(replace_volumes, call(lambda x: nn.functional.conv3d(x, weight * x.mean())), X)

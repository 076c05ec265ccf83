"""Test the normalization of pixels with constants that float16 holds."""

import copy

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from hvit_edge.lowering import export_graph, rewrite
from hvit_edge.lowering.pipeline import COREML_PIPELINE
from hvit_edge.preprocess import IMAGENET_MEAN, IMAGENET_STD
from hvit_edge.targets.coreml.normalization import hold_in_float16
from hvit_edge.targets.coreml.translate import Pixels

MEAN, STD = np.array(IMAGENET_MEAN), np.array(IMAGENET_STD)
IMAGENET = Pixels(1 / (255 * STD), -MEAN / STD)
PHOTO = torch.randint(0, 256, (1, 3, 9, 13), generator=torch.Generator().manual_seed(0)).double()


class Stems(nn.Module):
    """Two convolutions of the image, one with a margin, the other without a bias."""

    def __init__(self, other=None):
        super().__init__()
        self.first = nn.Conv2d(3, 4, 3, 2, 1)
        self.second = other or nn.Conv2d(3, 4, 2, 2, bias=False)

    def forward(self, x):
        return torch.cat([self.first(x).mean((2, 3)), self.second(x).mean((2, 3))], 1)


def prepared(module):
    graph = export_graph(module.eval(), (PHOTO.float(),))
    rewrite(graph, passes=COREML_PIPELINE)
    return graph


def normalised(pixels):
    scale, bias = (torch.from_numpy(a).reshape(1, 3, 1, 1) for a in (pixels.scale, pixels.bias))
    return PHOTO * scale + bias


def shift(scale, bias, factor=1.0):
    """Return the largest shift of a color from ImageNet's normalization, in pixel values."""
    at = np.array([[0.0], [255.0]])
    wrong = (at * scale + bias) * factor - (at * IMAGENET.scale + IMAGENET.bias)
    return np.abs(wrong / IMAGENET.scale).max()


def test_constants_are_those_of_float16():
    held = hold_in_float16(prepared(Stems()), IMAGENET)
    for array in (held.scale, held.bias):
        np.testing.assert_array_equal(array, array.astype(np.float16))
    np.testing.assert_allclose(held.scale, IMAGENET.scale, rtol=1 / 16)
    assert shift(held.scale, held.bias, IMAGENET.scale / held.scale) < 1e-3
    assert shift(np.float16(IMAGENET.scale), np.float16(IMAGENET.bias)) > 0.05, (
        "rounded as they are"
    )


def test_same_network():
    module = Stems().eval()
    graph = prepared(module)
    held = hold_in_float16(graph, IMAGENET)
    with torch.inference_mode():
        expected = copy.deepcopy(module).double()(normalised(IMAGENET))
        got = graph.double()(normalised(held))
        unscaled = prepared(module).double()(normalised(held))
    torch.testing.assert_close(got, expected, rtol=0, atol=1e-5)
    assert (unscaled - expected).abs().max() > 1e-3, "the weights matter"


def test_a_second_run_changes_nothing():
    graph = prepared(Stems())
    held = hold_in_float16(graph, IMAGENET)
    weights = [tensor.clone() for tensor in graph.state_dict().values()]
    again = hold_in_float16(graph, held)
    np.testing.assert_array_equal([again.scale, again.bias], [held.scale, held.bias])
    assert all(map(torch.equal, graph.state_dict().values(), weights))


class Function(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


UNTOUCHED = {
    "no bias": (nn.Conv2d(3, 4, 2), Pixels(IMAGENET.scale, np.zeros(3))),
    "other reader": (Function(lambda x: F.relu(x).repeat(1, 2, 1, 1)), IMAGENET),
    "groups": (nn.Conv2d(3, 3, 2, groups=3), IMAGENET),
    "weights of the image": (Function(lambda x: F.conv2d(x, x[:, :, :3, :3])), IMAGENET),
    "too small for float16": (nn.Conv2d(3, 4, 2), Pixels(IMAGENET.scale * 1e-4, IMAGENET.bias)),
    "too large for float16": (nn.Conv2d(3, 4, 2), Pixels(IMAGENET.scale * 1e8, IMAGENET.bias)),
    "a bias too large": (nn.Conv2d(3, 4, 2), Pixels(IMAGENET.scale, np.array([0, 0, 1e6]))),
}


@pytest.mark.parametrize("name", UNTOUCHED)
def test_left_alone(name):
    other, pixels = UNTOUCHED[name]
    graph = prepared(Stems(other))
    before = [node.name for node in graph.graph.nodes]
    weights = {key: value.clone() for key, value in graph.state_dict().items()}
    assert hold_in_float16(graph, pixels) is pixels
    assert [node.name for node in graph.graph.nodes] == before
    assert all(torch.equal(graph.state_dict()[key], value) for key, value in weights.items())

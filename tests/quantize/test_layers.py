"""Check the descriptions of layers against values that were computed by hand."""

import pytest
import torch
from torch import nn

from hvit_edge.quantize.layers import Geometry, Layer, find_layers, is_average

# module, its geometry, multiply-adds of one inference on [2, 4, 10, 12], pointwise, depthwise
CONVOLUTIONS = {
    "plain": (nn.Conv2d(4, 6, 3), ((1, 1), (0, 0), (1, 1), 1), 2 * 6 * 8 * 10 * 36, False, False),
    "stride and padding": (
        nn.Conv2d(4, 6, 3, 2, 1),
        ((2, 2), (1, 1), (1, 1), 1),
        2 * 6 * 5 * 6 * 36,
        False,
        False,
    ),
    "each its own": (
        nn.Conv2d(4, 6, (3, 2), (1, 2), (2, 1), (2, 3)),
        ((1, 2), (2, 1), (2, 3), 1),
        2 * 6 * 10 * 6 * 24,
        False,
        False,
    ),
    "same": (
        nn.Conv2d(4, 6, (5, 3), padding="same", dilation=(1, 2)),
        ((1, 1), (2, 2), (1, 2), 1),
        2 * 6 * 10 * 12 * 60,
        False,
        False,
    ),
    "valid": (
        nn.Conv2d(4, 6, 3, 2, padding="valid"),
        ((2, 2), (0, 0), (1, 1), 1),
        2 * 6 * 4 * 5 * 36,
        False,
        False,
    ),
    "groups": (
        nn.Conv2d(4, 6, 3, groups=2),
        ((1, 1), (0, 0), (1, 1), 2),
        2 * 6 * 8 * 10 * 18,
        False,
        False,
    ),
    "depthwise": (
        nn.Conv2d(4, 4, 3, padding=1, groups=4),
        ((1, 1), (1, 1), (1, 1), 4),
        2 * 4 * 10 * 12 * 9,
        False,
        True,
    ),
    "depthwise with multiplier": (
        nn.Conv2d(4, 8, 3, padding=1, groups=4),
        ((1, 1), (1, 1), (1, 1), 4),
        2 * 8 * 10 * 12 * 9,
        False,
        True,
    ),
    "pointwise": (
        nn.Conv2d(4, 6, 1),
        ((1, 1), (0, 0), (1, 1), 1),
        2 * 6 * 10 * 12 * 4,
        True,
        False,
    ),
    "pointwise, same": (
        nn.Conv2d(4, 6, 1, padding="same"),
        ((1, 1), (0, 0), (1, 1), 1),
        2 * 6 * 10 * 12 * 4,
        True,
        False,
    ),
    "1x1 with stride": (
        nn.Conv2d(4, 6, 1, 2),
        ((2, 2), (0, 0), (1, 1), 1),
        2 * 6 * 5 * 6 * 4,
        False,
        False,
    ),
    "1x1 with padding": (
        nn.Conv2d(4, 6, 1, padding=1),
        ((1, 1), (1, 1), (1, 1), 1),
        2 * 6 * 12 * 14 * 4,
        False,
        False,
    ),
    "1x1 with groups": (
        nn.Conv2d(4, 6, 1, groups=2),
        ((1, 1), (0, 0), (1, 1), 2),
        2 * 6 * 10 * 12 * 2,
        False,
        False,
    ),
    "1x3": (
        nn.Conv2d(4, 6, (1, 3)),
        ((1, 1), (0, 0), (1, 1), 1),
        2 * 6 * 10 * 10 * 12,
        False,
        False,
    ),
}


def only_layer(module: nn.Module, x: torch.Tensor, graph_of) -> Layer:
    (layer,) = find_layers(graph_of(module, x))
    return layer


@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_convolution(name, graph_of):
    module, geometry, multiply_adds, pointwise, depthwise = CONVOLUTIONS[name]
    layer = only_layer(module, torch.randn(2, 4, 10, 12), graph_of)
    assert layer.geometry == Geometry(*geometry)
    assert layer.multiply_adds == multiply_adds
    assert (layer.is_linear, layer.is_pointwise, layer.is_depthwise) == (
        False,
        pointwise,
        depthwise,
    )


def test_uneven_padding_is_no_layer(graph_of):
    module, x = nn.Conv2d(4, 6, (4, 3), padding="same"), torch.randn(1, 4, 10, 12)
    assert find_layers(graph_of(module, x)) == []


@pytest.mark.parametrize("shape, multiply_adds", [((5, 7), 5 * 3 * 7), ((2, 3, 5, 7), 30 * 3 * 7)])
def test_linear(shape, multiply_adds, graph_of):
    layer = only_layer(nn.Linear(7, 3), torch.randn(shape), graph_of)
    assert layer.multiply_adds == multiply_adds
    assert (layer.is_linear, layer.is_pointwise, layer.is_depthwise) == (True, False, False)


def test_names_and_operands(graph_of):
    module = nn.Sequential(nn.Linear(4, 4), nn.SiLU(), nn.Linear(4, 4, bias=False))
    graph = graph_of(module, torch.randn(2, 4))
    first, second = find_layers(graph)
    assert first.name == f"0:{first.node.name}"
    assert second.name == f"2:{second.node.name}"
    assert first.source.op == "placeholder"
    assert first.weight.target != second.weight.target
    assert first.bias is not None and first.bias.op == "get_attr"
    assert second.bias is None


class Both(nn.Module):
    """A ReLU after a layer whose output another operator also reads."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(4, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.linear(x)
        return torch.relu(y) + y


def test_relu_belongs_to_the_layer_that_it_alone_reads(graph_of):
    x = torch.randn(2, 4)
    fused = only_layer(nn.Sequential(nn.Linear(4, 4), nn.ReLU()), x, graph_of)
    assert fused.output.target is torch.ops.aten.relu.default
    assert fused.output.args == (fused.node,)
    for module in (Both(), nn.Sequential(nn.Linear(4, 4), nn.GELU()), nn.Linear(4, 4)):
        layer = only_layer(module, x, graph_of)
        assert layer.output is layer.node


def test_weights_that_are_computed_make_no_layer(graph_of):
    class Computed(nn.Module):
        def forward(self, x):
            return nn.functional.linear(x, x * 2)

    assert find_layers(graph_of(Computed(), torch.randn(4, 4))) == []


@pytest.mark.parametrize(
    "weight, expected",
    [
        ([[0.5, 0.5]], True),
        ([[2.0, 2.0], [2.0, 2.0]], True),
        ([[1.0, 0.0], [0.25, 0.75]], True),
        ([[1.0, 0.0], [1.0, 1.0]], True),
        ([[1.0, 0.0], [0.25, 0.7]], False),
        ([[1.5, -0.5], [0.25, 0.75]], False),
    ],
)
def test_averages_and_copies(weight, expected):
    assert is_average(torch.tensor(weight)) is expected

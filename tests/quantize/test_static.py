"""Static int8 against the same arithmetic written out in numpy."""

import numpy as np
import pytest
import torch
from torch import nn

from hvit_edge.lowering.graph import cleanup
from hvit_edge.quantize.layers import find_layers
from hvit_edge.quantize.ranges import Range
from hvit_edge.quantize.static import quantize_static, rounded_values


def rounded(values: np.ndarray, low: float, high: float) -> np.ndarray:
    chosen = Range.spanning(float(low), float(high))
    steps = np.clip(np.rint(values / chosen.scale) + chosen.zero_point, -128, 127)
    return chosen.scale * (steps - chosen.zero_point)


def rounded_weight(weight: np.ndarray) -> np.ndarray:
    scales = np.abs(weight.reshape(len(weight), -1)).max(1) / 127
    scales = scales.reshape(-1, *[1] * (weight.ndim - 1))
    return np.rint(weight / scales) * scales


def quantized(module, x, graph_of):
    graph = graph_of(module, x)
    quantize_static(graph, find_layers(graph), [(x,)], methods=("minmax",))
    cleanup(graph)
    with torch.inference_mode():
        return graph(x).numpy()


def test_linear(graph_of):
    module, x = nn.Linear(16, 8), torch.randn(4, 16)
    weight, bias = module.weight.detach().numpy(), module.bias.detach().numpy()
    exact = x.numpy() @ weight.T + bias
    product = rounded(x.numpy(), x.min(), x.max()) @ rounded_weight(weight).T + bias
    expected = rounded(product, exact.min(), exact.max())
    step = (exact.max() - exact.min()) / 255  # float32 sums may fall on either side of a half
    got = quantized(module, x, graph_of)
    assert np.abs(got - expected).max() < 1.01 * step
    assert np.mean(np.abs(got - expected) > step / 100) < 0.05


def test_depthwise_convolution_with_relu(graph_of):
    conv, x = nn.Conv2d(4, 4, 3, groups=4), torch.randn(1, 4, 6, 6)
    with torch.no_grad():
        exact = torch.relu(conv(x)).numpy()
        kept = rounded(x.numpy(), x.min(), x.max()).astype(np.float32)
        weight = torch.from_numpy(rounded_weight(conv.weight.numpy()))
        product = nn.functional.conv2d(torch.from_numpy(kept), weight, conv.bias, groups=4)
    expected = rounded(torch.relu(product).numpy(), exact.min(), exact.max())
    got = quantized(nn.Sequential(conv, nn.ReLU()), x, graph_of)
    assert np.abs(got - expected).max() < 1.01 * exact.max() / 255


def test_helpers_of_a_norm_are_left_alone(graph_of):
    graph = graph_of(nn.Sequential(nn.LayerNorm(8), nn.Linear(8, 8)), torch.randn(2, 8))
    (layer,) = find_layers(graph)
    assert layer.is_linear
    assert layer.name.endswith(layer.node.name)
    assert set(rounded_values([layer])) == {layer.source, layer.node}


def test_residual_add_stays_float(graph_of):
    class Residual(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = nn.Linear(8, 8)

        def forward(self, x):
            return (x + self.linear(x)) * 1.5

    x = torch.randn(2, 8)
    graph = graph_of(Residual(), x)
    quantize_static(graph, find_layers(graph), [(x,)])
    (add,) = (n for n in graph.graph.nodes if n.target is torch.ops.aten.add.Tensor)
    assert add.args[0].op == "placeholder"
    assert "dequantize" in str(add.args[1].target)


@pytest.mark.parametrize("zeroed", [0, 3])
def test_empty_channel_has_a_scale(zeroed, graph_of):
    module, x = nn.Linear(8, 4, bias=False), torch.randn(2, 8)
    module.weight.data[zeroed] = 0
    assert np.isfinite(quantized(module, x, graph_of)).all()
    assert np.all(quantized(module, x, graph_of)[:, zeroed] == 0)

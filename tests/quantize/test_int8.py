"""Which operators layers become, with which integers and biases."""

import numpy as np
import pytest
import torch
from torch import nn

from hvit_edge.lowering.graph import cleanup, constant_tensor
from hvit_edge.quantize import sqnr
from hvit_edge.quantize.int8 import quantize_int8
from hvit_edge.quantize.int8_operators import CONV2D, LINEAR, POINTWISE
from hvit_edge.quantize.layers import find_layers
from hvit_edge.quantize.moments import input_moments
from hvit_edge.quantize.rounded_layers import round_layers

OPERATORS = (LINEAR, POINTWISE, CONV2D)
MAP = (2, 4, 8, 8)
# module, shape of its input, the operator, what it takes besides tensors and the ReLU
KINDS = {
    "linear": (lambda: nn.Linear(6, 5), (3, 6), LINEAR, (1,)),
    "pointwise": (lambda: nn.Conv2d(4, 5, 1), MAP, POINTWISE, (1,)),
    "1x1 with stride": (
        lambda: nn.Conv2d(4, 5, 1, 2),
        MAP,
        CONV2D,
        ([2, 2], [0, 0], [1, 1], 1),
    ),
    "1x1 with groups": (
        lambda: nn.Conv2d(4, 6, 1, groups=2),
        MAP,
        CONV2D,
        ([1, 1], [0, 0], [1, 1], 2),
    ),
    "3x2": (
        lambda: nn.Conv2d(4, 6, (3, 2), (1, 2), (2, 1), (2, 3), 2),
        MAP,
        CONV2D,
        ([1, 2], [2, 1], [2, 3], 2),
    ),
    "same": (
        lambda: nn.Conv2d(4, 5, 3, padding="same"),
        MAP,
        CONV2D,
        ([1, 1], [1, 1], [1, 1], 1),
    ),
}


def quantized(module, graph_of, *inputs, calibrated=False):
    """The int8 graph of `module`."""
    graph = graph_of(module, inputs[0])
    layers = find_layers(graph)
    rounded = None
    if calibrated:
        moments = input_moments(graph, layers, [(x,) for x in inputs])
        rounded = round_layers(graph, layers, moments)
    quantize_int8(graph, layers, rounded)
    cleanup(graph)
    graph.graph.lint()
    return graph


def calls_of(graph) -> list[torch.fx.Node]:
    return [node for node in graph.graph.nodes if node.target in OPERATORS]


def constants(graph, call) -> list[torch.Tensor | None]:
    """Integers, scales and bias."""
    return [None if node is None else constant_tensor(graph, node) for node in call.args[1:4]]


def by_hand(weight: torch.Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Nearest integers and scales of the first dimension."""
    weight = weight.detach().numpy().astype(np.float64)
    scales = np.abs(weight.reshape(len(weight), -1)).max(1) / 127
    return np.rint(weight / scales.reshape(-1, *[1] * (weight.ndim - 1))), scales


@pytest.mark.parametrize("relu", [False, True])
@pytest.mark.parametrize("name", KINDS)
def test_layer_becomes_an_operator(name, relu, graph_of):
    build, shape, operator, how = KINDS[name]
    layer, x = build(), torch.randn(shape)
    module = nn.Sequential(layer, nn.ReLU()) if relu else layer
    graph = quantized(module, graph_of, x)
    (call,) = calls_of(graph)
    assert call.target is operator
    assert call.args[4:] == (relu, *how)
    values, scales, bias = constants(graph, call)
    expected, steps = by_hand(layer.weight)
    assert values.dtype == torch.int8
    assert np.array_equal(values.numpy().reshape(expected.shape), expected)
    assert np.allclose(scales.numpy(), steps, rtol=1e-6)
    assert torch.equal(bias, layer.bias)
    assert [node.op for node in graph.graph.nodes if node.op == "call_function"] == [
        "call_function"
    ], "the ReLU is left"
    with torch.inference_mode():
        assert sqnr(module(x).numpy(), graph(x).numpy()) > 35


def test_float_weights_are_dropped(graph_of):
    graph = quantized(nn.Linear(6, 5), graph_of, torch.randn(3, 6), calibrated=True)
    assert list(graph.parameters()) == []
    assert {tensor.dtype for tensor in graph.buffers()} == {torch.int8, torch.float32}


def test_relu_with_another_reader_stays(graph_of):
    class Both(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = nn.Linear(6, 5)

        def forward(self, x):
            y = self.linear(x)
            return torch.relu(y) + y

    module, x = Both(), torch.randn(3, 6)
    graph = quantized(module, graph_of, x)
    (call,) = calls_of(graph)
    assert call.args[4] is False
    assert any(node.target is torch.ops.aten.relu.default for node in graph.graph.nodes)
    with torch.inference_mode():
        assert sqnr(module(x).numpy(), graph(x).numpy()) > 35


@pytest.mark.parametrize("with_bias", [True, False])
@pytest.mark.parametrize(
    "build, shape",
    [
        (lambda bias: nn.Linear(12, 5, bias=bias), (40, 12)),
        (lambda bias: nn.Conv2d(6, 4, 3, padding=1, groups=2, bias=bias), (1, 6, 8, 8)),
        (lambda bias: nn.Conv2d(6, 4, 1, bias=bias), (1, 6, 8, 8)),
    ],
    ids=["linear", "groups", "pointwise"],
)
def test_bias_makes_up_for_what_rounding_errs_on_average(build, shape, with_bias, graph_of):
    module = build(with_bias)
    inputs = [torch.randn(shape) + 3 for _ in range(4)]
    graph = quantized(module, graph_of, *inputs, calibrated=True)
    (call,) = calls_of(graph)
    values, scales, bias = constants(graph, call)
    weight = module.weight.detach()
    rounded = values.reshape(weight.shape) * scales.reshape(-1, *[1] * (weight.dim() - 1))

    x, twin = torch.cat(inputs).double(), build(True).double()
    with torch.inference_mode():
        exact = module.double()(x)
        twin.weight.copy_(rounded)
        twin.bias.copy_(bias)
        error = (twin(x) - exact).transpose(1, -1).flatten(0, -2).mean(0)
        twin.bias.copy_(module.bias if with_bias else torch.zeros(len(bias)))
        uncorrected = (twin(x) - exact).transpose(1, -1).flatten(0, -2).mean(0)
    assert float(error.abs().max()) < 1e-6  # of outputs about one, the bias in float32
    assert float(uncorrected.abs().max()) > 1e-4


def test_calibrated_weights_err_less_than_nearest_on_resembling_inputs(graph_of):
    module = nn.Sequential(nn.Conv2d(8, 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, 8, 1))
    mix = torch.randn(2, 8)
    coarse = [torch.randn(1, 2, 4, 4) for _ in range(9)]
    inputs = [
        torch.einsum("bchw,co->bohw", nn.functional.interpolate(x, scale_factor=4), mix)
        for x in coarse
    ]
    *seen, unseen = inputs
    nearest = quantized(module, graph_of, *seen)
    calibrated = quantized(module, graph_of, *seen, calibrated=True)
    weights = [constants(graph, calls_of(graph)[0])[0] for graph in (nearest, calibrated)]
    assert not torch.equal(*weights)
    with torch.inference_mode():
        exact = module(unseen)
        gain = sqnr(exact.numpy(), calibrated(unseen).numpy()) - sqnr(
            exact.numpy(), nearest(unseen).numpy()
        )
    assert gain > 0.5  # decibel; what rounding the inputs costs is the same for both


@pytest.mark.parametrize("build", [lambda: nn.Linear(6, 5), lambda: nn.Conv2d(6, 5, 3)])
def test_constant_inputs(build, graph_of):
    module = build()
    shape = (40, 6) if isinstance(module, nn.Linear) else (1, 6, 9, 9)
    for value in (0.0, 1e-3, 0.1, 0.7, 3.3, 1000.1):
        inputs = [torch.full(shape, value)] * 3
        graph = quantized(module, graph_of, *inputs, calibrated=True)
        with torch.inference_mode():
            expected, got = module(inputs[0]), graph(inputs[0])
        assert float((got - expected).abs().max()) <= 1e-5 * (1 + value)


@pytest.mark.parametrize("mean", [3.0, 100.0])
def test_inputs_far_from_zero(mean, graph_of):
    module, inputs = nn.Linear(16, 8), [mean + 1e-3 * torch.randn(100, 16) for _ in range(3)]
    graph = quantized(module, graph_of, *inputs, calibrated=True)
    assert all(torch.isfinite(buffer).all() for buffer in graph.buffers())


def test_same_padding_of_an_even_kernel(graph_of):
    module, x = nn.Conv2d(4, 5, 4, padding="same"), torch.randn(1, 4, 8, 8)
    with torch.inference_mode():
        expected, got = module(x), quantized(module, graph_of, x)(x)
    assert got.shape == expected.shape
    assert sqnr(expected.numpy(), got.numpy()) > 35


def test_computed_bias(graph_of):
    class Computed(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.randn(6, 6))

        def forward(self, x):
            return nn.functional.linear(x, self.weight, x[0] * 2)

    module, x = Computed(), torch.randn(3, 6)
    graph = quantized(module, graph_of, x, calibrated=True)
    with torch.inference_mode():
        assert sqnr(module(x).numpy(), graph(x).numpy()) > 35


SHARES = {
    "linear": (lambda: nn.Linear(6, 5), (2, 12, 6), 8),  # 24 rows
    "pointwise": (lambda: nn.Conv2d(4, 5, 1), (1, 4, 7, 3), 21),  # 21 pixels: 7 is too few
    "one row": (lambda: nn.Linear(6, 5), (1, 6), 1),
    "3x3": (lambda: nn.Conv2d(4, 5, 3), (1, 4, 8, 8), None),
}


@pytest.mark.parametrize("name", SHARES)
def test_as_many_rows_share_a_range_as_divide_their_number(name, graph_of):
    build, shape, rows = SHARES[name]
    graph = graph_of(build(), torch.randn(shape))
    quantize_int8(graph, find_layers(graph), share=8)
    (call,) = calls_of(graph)
    if rows is None:
        assert call.target is CONV2D
    else:
        assert call.args[5] == rows

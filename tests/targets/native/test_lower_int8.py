"""Int8 layers: the quantised graph in eager PyTorch against its program in the C++ runtime.

Both round inputs to the same 256 steps, but reckon with float32 in another order: a value beside
the middle between two steps may become either. An output then differs by one step of one input,
which is what FLIPPED allows for.
"""

from collections import Counter
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from torch import nn
from torch.fx import GraphModule

from hvit_edge.lowering import NATIVE_PIPELINE, export_graph, rewrite
from hvit_edge.lowering.graph import cleanup
from hvit_edge.quantize.int8 import quantize_int8
from hvit_edge.quantize.int8_operators import CONV2D, LINEAR, POINTWISE
from hvit_edge.quantize.layers import find_layers
from hvit_edge.targets.native import operations as ops
from hvit_edge.targets.native.graph_plan import Plan, plan_graph
from hvit_edge.targets.native.lower import lower
from hvit_edge.targets.native.pack_weights import code_panels
from hvit_edge.targets.native.runtime import native_step

ROUNDED = 1e-5  # of the largest output: sums of float32 in another order
ACTIVATED = 3e-4  # SiLU after an int8 product
FLIPPED = 5e-3  # of the largest output: a step of 1/255 times a weight, of a few dozen products
SHAPE = (1, 3, 9, 11)
MOVES = ("Gather", "Transpose", "Copy")


@dataclass(frozen=True)
class Ran:
    """Holds the results of a quantized graph.

    Attributes:
        max_rel: largest difference from eager PyTorch, relative to its largest absolute value.
        close: how much of the output differs by no more than float32 rounds, or SiLU errs.
        kinds: how often the program runs each kind of operation that reckons; an image's planes
            are moved before and after.
    """

    max_rel: float
    close: float
    kinds: Counter


def quantised(module: nn.Module, x: torch.Tensor, share: int = 1) -> GraphModule:
    """The graph, all of whose layers are int8 but depthwise ones."""
    graph = export_graph(module.eval(), (x,))
    rewrite(graph, passes=NATIVE_PIPELINE)
    layers = [layer for layer in find_layers(graph) if not layer.is_depthwise]
    quantize_int8(graph, layers, share=share)
    cleanup(graph)
    return graph


def ran(graph: GraphModule, x: torch.Tensor, rounded: float = ROUNDED) -> Ran:
    program = lower(graph, (x,))
    with torch.inference_mode():
        expected = graph(x)
    expected = (expected[0] if isinstance(expected, tuple) else expected).numpy()
    actual = native_step(program)(x.numpy())
    error = np.abs(actual - expected) / np.abs(expected).max()
    kinds = Counter(operator.kind for operator in program.operators)
    kinds = Counter({kind: n for kind, n in kinds.items() if kind not in MOVES})
    return Ran(float(error.max()), float((error < rounded).mean()), kinds)


def count(graph: GraphModule, target: object) -> int:
    return sum(node.target is target for node in graph.graph.nodes)


def operation(plan: Plan, kind: type) -> ops.Operation:
    return next(op for op in plan.operations if isinstance(op, kind))


class Tokens(nn.Module):
    """Pixels as tokens through `inner`."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.inner(x.flatten(2).transpose(1, 2))


LAYERS = {
    "linear": (lambda: Tokens(nn.Linear(3, 50)), LINEAR, "LinearInt8"),
    "linear with ReLU": (
        lambda: Tokens(nn.Sequential(nn.Linear(3, 17), nn.ReLU())),
        LINEAR,
        "LinearInt8",
    ),
    "linear without bias": (lambda: Tokens(nn.Linear(3, 1, bias=False)), LINEAR, "LinearInt8"),
    "pointwise": (lambda: nn.Conv2d(3, 33, 1), POINTWISE, "LinearInt8"),
    "pointwise with SiLU": (
        lambda: nn.Sequential(nn.Conv2d(3, 33, 1), nn.SiLU()),
        POINTWISE,
        "LinearInt8",
    ),
    "1x1 with stride": (lambda: nn.Conv2d(3, 17, 1, 2), CONV2D, "ConvolutionInt8"),
    "3x3": (lambda: nn.Conv2d(3, 16, 3, padding=1), CONV2D, "ConvolutionInt8"),
    "3x2 with strides": (
        lambda: nn.Conv2d(3, 17, (3, 2), (1, 2), (2, 1)),
        CONV2D,
        "ConvolutionInt8",
    ),
    "5x5 with ReLU": (
        lambda: nn.Sequential(nn.Conv2d(3, 5, 5, 2, 2, bias=False), nn.ReLU()),
        CONV2D,
        "ConvolutionInt8",
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("shift", [0.0, 4.0, -4.0])  # ranges around zero, above and below it
@pytest.mark.parametrize("name", LAYERS)
def test_a_layer(name, shift):
    build, target, kind = LAYERS[name]
    x = torch.randn(SHAPE) + shift
    graph = quantised(build(), x)
    assert count(graph, target) == 1
    found = ran(graph, x, ACTIVATED if "SiLU" in name else ROUNDED)
    assert found.kinds["Quantise"] == found.kinds[kind] == 1
    assert found.max_rel < FLIPPED
    assert found.close > 0.9


@pytest.mark.parametrize("channels", [1, 5, 30, 33])
def test_depths_that_are_no_fours(channels):
    x = torch.randn(SHAPE)
    module = nn.Sequential(nn.Conv2d(3, channels, 1), nn.SiLU(), nn.Conv2d(channels, 7, 3, 1, 1))
    found = ran(quantised(module, x), x)
    assert found.kinds == {"Quantise": 2, "LinearInt8": 1, "ConvolutionInt8": 1}
    assert found.max_rel < 3 * FLIPPED  # the second layer rounds what the first one rounded


@pytest.mark.parametrize("share", [2, 4, 99])
def test_rows_share_a_range(share):
    x = torch.randn(SHAPE) * torch.linspace(0.1, 3, 99).reshape(1, 1, 9, 11)
    for module in (Tokens(nn.Linear(3, 20)), nn.Conv2d(3, 20, 1)):
        graph = quantised(module, x, share)
        rounded = operation(plan_graph(graph), ops.Quantise)
        assert rounded.codes.together == min(n for n in range(share, 100) if 99 % n == 0)
        found = ran(graph, x)
        assert found.max_rel < FLIPPED
        assert found.close > 0.9


def test_a_row_of_zeros():
    x = torch.randn(SHAPE)
    x[..., 3:6, :] = 0
    found = ran(quantised(nn.Conv2d(3, 20, 1), x), x)
    assert found.max_rel < FLIPPED


def test_a_residual_and_its_activation():
    class Residual(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.wide, self.layer = nn.Conv2d(3, 12, 1), nn.Conv2d(12, 12, 3, padding=1)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            y = self.wide(x)
            return nn.functional.gelu(y + self.layer(y))

    x = torch.randn(SHAPE)
    found = ran(quantised(Residual(), x), x)
    assert found.kinds == {"Quantise": 2, "LinearInt8": 1, "ConvolutionInt8": 1}
    assert found.max_rel < 3 * FLIPPED


class Readers(nn.Module):
    """Two layers that read the same map, which a layer makes."""

    def __init__(self, left: nn.Module, right: nn.Module) -> None:
        super().__init__()
        self.wide, self.left, self.right = nn.Conv2d(3, 8, 1), left, right

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.wide(x)
        return torch.cat([self.left(x), self.right(x)], 1)


@pytest.mark.parametrize("kernel", [1, 3])
def test_what_two_layers_read_is_rounded_once(kernel):
    x = torch.randn(SHAPE)
    module = Readers(*(nn.Conv2d(8, n, kernel, padding=kernel // 2) for n in (16, 8)))
    found = ran(quantised(module, x), x)
    assert found.kinds["Quantise"] == 2
    assert found.max_rel < 2 * FLIPPED


def test_other_ranges_are_codes_of_their_own():
    x = torch.randn(SHAPE)
    module = Readers(nn.Conv2d(8, 16, 1), nn.Conv2d(8, 8, 3, padding=1))
    found = ran(quantised(module, x), x)
    assert found.kinds["Quantise"] == 3
    assert found.max_rel < 2 * FLIPPED


def test_codes_live_until_their_last_reader():
    """Buffers between the two readers of codes do not reuse the memory of the codes."""

    class Late(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.last = nn.Conv2d(8, 8, 1), nn.Conv2d(8, 8, 1)
            self.wide = nn.Conv2d(3, 8, 1)
            self.between = nn.Sequential(*(nn.Conv2d(8, 8, 3, padding=1) for _ in range(3)))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            x = self.wide(x)
            return self.between(self.first(x)) + self.last(x)

    x = torch.randn(SHAPE)
    found = ran(quantised(Late(), x), x)
    assert found.kinds["Quantise"] == 5
    assert found.max_rel < 6 * FLIPPED  # five layers, one after the other


class Images(nn.Module):
    """Rows of one image as several images."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.count = count

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.reshape(self.count, 3, -1, x.shape[3])


PARTS = {
    "groups": (lambda: nn.Conv2d(12, 8, 3, padding=1, groups=2), 1, 2),
    "groups of five channels": (lambda: nn.Conv2d(15, 9, 3, 2, 1, groups=3, bias=False), 1, 3),
    "groups of one channel": (lambda: nn.Conv2d(6, 12, (7, 5), groups=6), 1, 6),
    "dilation": (lambda: nn.Conv2d(8, 8, 3, padding=2, dilation=2), 1, 4),
    "dilation and steps": (lambda: nn.Conv2d(6, 7, 3, 2, (3, 1), (1, 3)), 1, 3),
    "dilation and groups": (lambda: nn.Conv2d(6, 8, 3, dilation=(2, 1), groups=2), 1, 4),
    "images": (lambda: nn.Conv2d(5, 8, 3, padding=1), 2, 2),
    "a tall kernel": (lambda: nn.Conv2d(5, 8, (13, 21), padding=(6, 10)), 1, 2),
}


@pytest.mark.slow
@pytest.mark.parametrize("relu", [False, True])
@pytest.mark.parametrize("name", PARTS)
def test_convolutions_in_parts(name, relu):
    build, images, parts = PARTS[name]
    layer = build()
    modules = [nn.Conv2d(3, layer.in_channels, 1), layer, *([nn.ReLU()] if relu else [])]
    if images > 1:
        modules.insert(0, Images(images))
    x = torch.randn(1, 3, 9 * images, 11)
    graph = export_graph(nn.Sequential(*modules).eval(), (x,))
    rewrite(graph, passes=NATIVE_PIPELINE)
    quantize_int8(graph, [found for found in find_layers(graph) if not found.is_pointwise])
    cleanup(graph)
    found = ran(graph, x)
    assert found.kinds["ConvolutionInt8"] == parts
    assert found.kinds["Quantise"] == images
    assert found.max_rel < FLIPPED


@pytest.mark.parametrize(("columns", "taps", "depth"), [(1, 1, 1), (17, 9, 5), (16, 1, 8)])
def test_panels_of_codes(columns, taps, depth):
    codes = np.random.default_rng(0).integers(-127, 128, (columns, taps, depth)).astype(np.int8)
    packed = code_panels(codes)
    fours = -(-depth // 4)
    assert packed.shape == (-(-columns // 16), taps * fours, 16, 4)
    whole = np.zeros((len(packed) * 16, taps, fours * 4), np.int8)
    whole[:columns, :, :depth] = codes
    for (n, tap, k), code in np.ndenumerate(whole):
        assert packed[n // 16, tap * fours + k // 4, n % 16, k % 4] == code


def test_a_convolution_reads_pixels_of_whole_fours():
    graph = quantised(nn.Conv2d(3, 5, 3, padding=1), torch.randn(SHAPE))
    plan = plan_graph(graph)
    layer, quantise = operation(plan, ops.ConvolutionInt8), operation(plan, ops.Quantise)
    assert layer.window.strides == (11 * 4, 4)  # bytes
    assert layer.window.buffer is quantise.codes.codes
    assert quantise.codes.zeros is not None and quantise.codes.together == 99

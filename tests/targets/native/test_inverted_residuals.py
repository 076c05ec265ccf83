"""Which chains become an InvertedResidual, and that it computes what its layers do."""

from collections import Counter

import numpy as np
import pytest
import torch
from torch import nn
from torch.fx import GraphModule

from hvit_edge.lowering import NATIVE_PIPELINE, export_graph, rewrite
from hvit_edge.lowering.graph import cleanup
from hvit_edge.quantize.int8 import quantize_int8
from hvit_edge.quantize.layers import find_layers
from hvit_edge.targets.native import graph_plan
from hvit_edge.targets.native import operations as ops
from hvit_edge.targets.native.graph_plan import plan_graph
from hvit_edge.targets.native.inverted_residuals import LARGEST_CACHE, bytes_of_job
from hvit_edge.targets.native.lower import lower
from hvit_edge.targets.native.operations import Window
from hvit_edge.targets.native.runtime import native_step
from hvit_edge.targets.native.values import Buffer, Number

SUM = 2e-6
FLIPPED = 1e-2  # of the largest output: a value between two int8 steps may become either
PRECISIONS = ("fp32", "int8")


def depthwise(channels: int, kernel: int = 3, stride: int = 1) -> nn.Conv2d:
    return nn.Conv2d(channels, channels, kernel, stride, kernel // 2, groups=channels)


class Mobile(nn.Module):
    """MobileNetV2's block after a layer that makes its channels."""

    def __init__(
        self, columns: int = 16, stride: int = 1, *, kernel: int = 3, skip: bool = False
    ) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 16, 1)
        self.expand = nn.Conv2d(16, 40, 1)
        self.depthwise = depthwise(40, kernel, stride)
        self.project = nn.Conv2d(40, columns, 1)
        self.skip = skip

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.stem(x)
        wide = nn.functional.silu(self.expand(x))
        y = self.project(nn.functional.silu(self.depthwise(wide)))
        return x + y if self.skip else y


class Shunted(nn.Module):
    """The MLP of Shunted Transformer: the hidden layer adds a convolution of itself."""

    def __init__(self, channels: int = 16, hidden: int = 36) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, channels, 1)
        self.fc1, self.fc2 = nn.Linear(channels, hidden), nn.Linear(hidden, channels)
        self.local = depthwise(hidden)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        height, width = x.shape[2:]
        tokens = self.stem(x).flatten(2).transpose(1, 2)
        hidden = self.fc1(tokens)
        maps = hidden.transpose(1, 2).reshape(1, -1, height, width)
        local = self.local(maps).flatten(2).transpose(1, 2)
        return tokens + self.fc2(nn.functional.gelu(hidden + local))


def graph_of(module: nn.Module, x: torch.Tensor, precision: str = "fp32") -> GraphModule:
    """The graph as it is lowered; with int8, all but the depthwise convolutions are."""
    graph = export_graph(module.eval(), (x,))
    rewrite(graph, passes=NATIVE_PIPELINE)
    if precision == "int8":
        layers = find_layers(graph)
        quantize_int8(graph, [f for f in layers if f.is_linear or f.geometry.groups == 1])
        cleanup(graph)
    return graph


def kinds_of(graph: GraphModule) -> Counter:
    return Counter(type(operation).__name__ for operation in plan_graph(graph).operations)


def run(graph: GraphModule, x: torch.Tensor) -> np.ndarray:
    return native_step(lower(graph, (x,)))(x.numpy())


def largest_difference(actual: np.ndarray, expected: np.ndarray) -> float:
    return float(np.abs(actual - expected).max() / np.abs(expected).max())


FUSED = {
    "without skip": lambda: Mobile(24),
    "with skip": lambda: Mobile(skip=True),
    "stride 2": lambda: Mobile(24, 2),
    "5x5": lambda: Mobile(24, kernel=5),
    "5x5, stride 2": lambda: Mobile(33, 2, kernel=5),
    "one column": lambda: Mobile(1),
    "shunted": Shunted,
    "shunted, odd channels": lambda: Shunted(9, 35),
}


@pytest.mark.slow
@pytest.mark.parametrize("size", [(9, 11), (1, 5), (16, 8)])
@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("name", FUSED)
def test_fused(name, precision, size, monkeypatch):
    x = torch.randn(1, 3, *size)
    graph = graph_of(FUSED[name](), x, precision)
    fused = kinds_of(graph)
    assert fused["InvertedResidual"] == 1
    assert fused["Depthwise"] == 0
    actual = run(graph, x)
    with torch.inference_mode():
        expected = graph(x)
    expected = (expected[0] if isinstance(expected, tuple) else expected).numpy()
    limit = SUM if precision == "fp32" else FLIPPED
    assert largest_difference(actual, expected) < limit
    with monkeypatch.context() as patch:
        patch.setattr(graph_plan, "fuse_inverted_residuals", lambda operations, _: list(operations))
        apart = kinds_of(graph)
        one_by_one = run(graph, x)
    assert apart["InvertedResidual"] == 0
    assert apart["Depthwise"] == 1
    saved = 3 if precision == "int8" else 2  # int8 rounds what it projects
    assert apart.total() - fused.total() == saved
    assert largest_difference(actual, one_by_one) < limit


def test_what_it_consists_of():
    x = torch.randn(1, 3, 6, 8)
    plan = plan_graph(graph_of(Shunted(), x, "int8"))
    (fused,) = (op for op in plan.operations if isinstance(op, ops.InvertedResidual))
    assert fused.name == "InvertedResidual local"
    assert fused.adds_input
    assert isinstance(fused.expand, ops.LinearInt8) and isinstance(fused.project, ops.LinearInt8)
    assert fused.depthwise.epilogue.second is ops.Activation.GELU
    assert fused.project.epilogue.residual is not None
    touched = {*fused.reads(), *fused.writes()}
    assert fused.expand.codes.codes in touched and fused.project.epilogue.output.buffer in touched
    assert fused.expand.epilogue.output.buffer not in touched  # which is never written


class Read(nn.Module):
    """A block that `reads` something of, beside its layers."""

    def __init__(self, what: str) -> None:
        super().__init__()
        self.what = what
        self.stem, self.expand = nn.Conv2d(3, 16, 1), nn.Conv2d(16, 40, 1)
        self.depthwise, self.project = depthwise(40), nn.Conv2d(40, 16, 1)
        self.other = nn.Conv2d(40, 16, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        wide = self.expand(self.stem(x))
        middle = self.depthwise(wide)
        y = self.project(middle)
        return y + self.other(wide if self.what == "expanded" else middle)


class Between(nn.Module):
    """A block whose map is changed on the way."""

    def __init__(self, change: str) -> None:
        super().__init__()
        self.change = change
        self.stem, self.expand = nn.Conv2d(3, 16, 1), nn.Conv2d(16, 40, 1)
        self.depthwise, self.project = depthwise(40), nn.Conv2d(40, 16, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        wide = self.expand(self.stem(x))
        if self.change == "every other pixel":
            wide = wide[:, :, ::2, ::2]
        if self.change == "some rows":
            wide = wide[:, :, 1:]
        if self.change == "turned":
            wide = wide.transpose(2, 3)
        middle = self.depthwise(wide)
        if self.change == "other sum":
            middle = middle + torch.cat([self.stem(x), self.stem(x), self.stem(x)], 1)[:, 8:]
        if self.change == "rolled sum":
            middle = middle + wide.roll(1, 3)
        if self.change == "some outputs":
            middle = middle[:, :, :3]
        return self.project(middle)


NOT_FUSED = {
    "another layer reads the expanded map": lambda: Read("expanded"),
    "another layer reads the convolution's output": lambda: Read("convolved"),
    "every other pixel of the map": lambda: Between("every other pixel"),
    "some rows of the map": lambda: Between("some rows"),
    "rows of the map become columns": lambda: Between("turned"),
    "something else is added": lambda: Between("other sum"),
    "the map is added elsewhere": lambda: Between("rolled sum"),
    "not all outputs are read": lambda: Between("some outputs"),
}


@pytest.mark.slow
@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("name", NOT_FUSED)
def test_not_fused(name, precision):
    x = torch.randn(1, 3, 6, 6)
    graph = graph_of(NOT_FUSED[name](), x, precision)
    kinds = kinds_of(graph)
    assert kinds["InvertedResidual"] == 0
    assert kinds["Depthwise"] == 1
    with torch.inference_mode():
        expected = graph(x)
    expected = (expected[0] if isinstance(expected, tuple) else expected).numpy()
    limit = SUM if precision == "fp32" else FLIPPED
    assert largest_difference(run(graph, x), expected) < limit


@pytest.mark.parametrize("shares", [1, 2])  # what expands, what projects
def test_a_shared_range_is_not_fused(shares):
    x = torch.randn(1, 3, 6, 6)
    graph = export_graph(Mobile().eval(), (x,))
    rewrite(graph, passes=NATIVE_PIPELINE)
    layers = [f for f in find_layers(graph) if f.geometry.groups == 1]
    quantize_int8(graph, [layers.pop(shares)], share=4)
    quantize_int8(graph, layers)
    cleanup(graph)
    assert kinds_of(graph)["InvertedResidual"] == 0


def window(height: int, width: int, channels: int, kernel: int) -> Window:
    size = (height, width, channels)
    strides, outputs = (width * channels, channels), (height, width)
    return Window(Buffer(1), 0, size, strides, outputs, (kernel, kernel), (1, 1), (1, 1))


def test_bytes_of_a_job():
    # Three rows of 5 pixels of 7 values, one of the output; its codes, 8 bytes a pixel; ranges.
    assert bytes_of_job(window(9, 5, 7, 3), Number.FLOAT32, is_int8=False) == 448 + 192
    assert bytes_of_job(window(9, 5, 7, 3), Number.FLOAT32, is_int8=True) == 448 + 192 + 64 + 64
    assert bytes_of_job(window(9, 5, 7, 3), Number.FLOAT16, is_int8=True) == 256 + 128 + 64 + 64


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize(("width", "fits"), [(700, True), (800, False)])
def test_windows_larger_than_the_cache(width, fits, precision):
    x = torch.randn(1, 3, 2, width)
    # 40 channels: 3 + 1 rows of float32, one of codes and ranges.
    size = bytes_of_job(window(2, width, 40, 3), Number.FLOAT32, is_int8=True)
    assert (size <= LARGEST_CACHE) is fits
    assert kinds_of(graph_of(Mobile(), x, precision))["InvertedResidual"] == int(fits)

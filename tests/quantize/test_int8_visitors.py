"""Compare the delegate's results of int8 layers with those of eager PyTorch."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from executorch.backends.xnnpack import xnnpack_preprocess
from executorch.runtime import Runtime
from torch import nn
from torch.fx import GraphModule

from hvit_edge.lowering import export_graph, rewrite
from hvit_edge.lowering.graph import cleanup, constant_tensor
from hvit_edge.quantize import sqnr
from hvit_edge.quantize.half import HalfStorage, quantize_half
from hvit_edge.quantize.int8 import quantize_int8
from hvit_edge.quantize.int8_operators import CONV2D, LINEAR, POINTWISE
from hvit_edge.quantize.layers import find_layers
from hvit_edge.targets.executorch import executorch_step
from hvit_edge.targets.xnnpack.lower import lower

# A value half way between two int8 steps may fall on either side: the delegate multiplies by the
# inverse of the scale. Otherwise only float32 rounding differs, about 130 dB.
LEAST_SQNR = 50.0
MEAN_OF_A_STEP = 0.01
HALF_SQNR = 38.0  # float16 ranges move the steps a little, and values between two fall otherwise


class Views(nn.Module):
    """Turns tokens into a map, which `layer` reads after a permutation and a reshape."""

    def __init__(self, layer: nn.Conv2d) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layer((x * 2).permute(0, 2, 1).reshape(2, 6, 5, 7))


class Attention(nn.Module):
    """Three readers of one tensor."""

    def __init__(self) -> None:
        super().__init__()
        self.q, self.k, self.v = (nn.Linear(8, 8) for _ in range(3))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x * 2
        return torch.softmax(self.q(x) @ self.k(x).transpose(1, 2), -1) @ self.v(x)


class Kinds(nn.Module):
    """Readers of every kind of one tensor: by its width, by its pixels, and as a whole."""

    def __init__(self) -> None:
        super().__init__()
        self.linear, self.convolution = nn.Linear(6, 6), nn.Conv2d(5, 5, 3, padding=1)
        self.pointwise, self.other = nn.Conv2d(5, 5, 1), nn.Conv2d(5, 5, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x * 2
        return self.linear(x) + self.convolution(x) + self.pointwise(x) * self.other(x)


class SameSteps(nn.Module):
    """Two layers whose weights are the same integers, with other scales."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(8, 8), nn.Linear(8, 8)
        self.second.weight.data = 4 * self.first.weight.data

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.first(x) + self.second(x)


def with_relu(layer: nn.Module) -> nn.Module:
    return nn.Sequential(layer, nn.ReLU())


def chain() -> nn.Module:
    """Layers of all kinds that read each other, with float operators between some."""
    return nn.Sequential(
        *(nn.Conv2d(3, 8, 3, 2, 1), nn.ReLU(), nn.Conv2d(8, 12, 1), nn.SiLU()),
        *(nn.Conv2d(12, 8, 1, bias=False), nn.Flatten(2), nn.Linear(20, 16), nn.ReLU()),
        nn.Linear(16, 4),
    )


class Side(nn.Module):
    """Modules side by side, each with an input and an output of its own."""

    def __init__(self, *modules: nn.Module) -> None:
        super().__init__()
        self.each = nn.ModuleList(modules)

    def forward(self, *inputs: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return tuple(module(x) for module, x in zip(self.each, inputs, strict=True))


def spread(*shape: int, rows: tuple[int, ...]) -> torch.Tensor:
    """Random numbers whose size differs by eight decades along the dimensions `rows`."""
    sizes = [length if axis in rows else 1 for axis, length in enumerate(shape)]
    return torch.randn(shape) * torch.logspace(-4, 4, int(np.prod(sizes))).reshape(sizes)


def some_empty() -> torch.Tensor:
    x = torch.randn(4, 16)
    x[0], x[1], x[2] = 0.0, 5.0, -5.0
    return x


MAP = (2, 6, 9, 7)
# module and its input
CASES = {
    "linear 2-D": (lambda: nn.Linear(16, 8), (4, 16)),
    "linear 3-D": (lambda: nn.Linear(16, 8), (2, 5, 16)),
    "linear 4-D": (lambda: nn.Linear(16, 8), (2, 3, 5, 16)),
    "linear without bias, with ReLU": (lambda: with_relu(nn.Linear(16, 8, bias=False)), (4, 16)),
    "pointwise": (lambda: nn.Conv2d(6, 8, 1), MAP),
    "pointwise without bias, with ReLU": (lambda: with_relu(nn.Conv2d(6, 8, 1, bias=False)), MAP),
    "1x1 with stride": (lambda: nn.Conv2d(6, 8, 1, 2), MAP),
    "3x3 with stride and padding": (lambda: nn.Conv2d(6, 8, 3, 2, 1), MAP),
    "each its own": (lambda: nn.Conv2d(6, 8, (3, 2), (2, 1), (2, 1), (2, 3)), MAP),
    "groups": (lambda: nn.Conv2d(6, 8, 3, padding=1, groups=2), MAP),
    "dilation": (lambda: nn.Conv2d(6, 8, 3, dilation=2), MAP),
    "same padding": (lambda: nn.Conv2d(6, 8, (5, 3), padding="same", dilation=(1, 2)), MAP),
    "3x3 without bias, with ReLU": (lambda: with_relu(nn.Conv2d(6, 8, 3, bias=False)), MAP),
    "pointwise after views": (lambda: Views(nn.Conv2d(6, 8, 1)), (2, 35, 6)),
    "3x3 after views": (lambda: Views(nn.Conv2d(6, 8, 3)), (2, 35, 6)),
    "linear after a convolution": (
        lambda: nn.Sequential(nn.Conv2d(6, 8, 3), nn.Linear(5, 4)),
        MAP,
    ),
    "tokens of any size": (
        lambda: nn.Linear(16, 8, bias=False),
        lambda: spread(2, 3, 16, rows=(0, 1)),
    ),
    "pixels of any size": (
        lambda: nn.Conv2d(6, 8, 1, bias=False),
        lambda: spread(2, 6, 3, 3, rows=(0, 2, 3)),
    ),
    "images of any size": (
        lambda: nn.Conv2d(6, 8, 3, bias=False),
        lambda: spread(3, 6, 5, 5, rows=(0,)),
    ),
    "empty and constant rows": (lambda: nn.Linear(16, 8), some_empty),
}
ROWS = {"tokens of any size": (2,), "pixels of any size": (1,), "images of any size": (1, 2, 3)}
OPERATORS = (LINEAR, POINTWISE, CONV2D)


@dataclass
class OnBoth:
    """An int8 graph, its outputs eager and in the delegate, and what was written for the latter.

    Attributes:
        written: name of each XNNPACK operator, and the bounds of its output.
    """

    graph: GraphModule
    eager: list[np.ndarray]
    delegate: list[np.ndarray]
    written: list[tuple[str, object]]

    def count(self, *operators: str) -> int:
        return sum(name in operators for name, _ in self.written)

    def calls(self) -> list[torch.fx.Node]:
        return [node for node in self.graph.graph.nodes if node.target in OPERATORS]


def run_on_both(
    module: nn.Module, *inputs: torch.Tensor, share: int = 1, half: bool = False
) -> OnBoth:
    graph = export_graph(module.eval(), inputs)
    rewrite(graph)
    quantize_int8(graph, find_layers(graph), share=share)
    if half:
        quantize_half(graph)
    cleanup(graph)
    program, written = program_of(graph, inputs)
    with torch.inference_mode():
        eager = (HalfStorage(graph).run if half else graph)(*inputs)
    if len(inputs) == 1:
        return OnBoth(
            graph, [eager.numpy()], [executorch_step(program)(inputs[0].numpy())], written
        )
    method = Runtime.get().load_program(program).load_method("forward")
    delegate = [output.clone().numpy() for output in method.execute(inputs)]
    return OnBoth(graph, [output.numpy() for output in eager], delegate, written)


def program_of(
    graph: GraphModule, inputs: tuple[torch.Tensor, ...]
) -> tuple[bytes, list[tuple[str, object]]]:
    """The program of one delegate, and the operators in it."""
    written = []

    def record(graph, *arguments, serialize=xnnpack_preprocess.serialize_xnnpack_binary):
        written.extend((type(x.xnode_union).__name__, x.output_min_max) for x in graph.xnodes)
        return serialize(graph, *arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(xnnpack_preprocess, "serialize_xnnpack_binary", record)
        lowered = lower(graph, inputs)
    assert (lowered.delegates, lowered.ops_outside) == (1, [])
    return lowered.serialize(), written


def assert_equal_but_rounding(expected: np.ndarray, got: np.ndarray) -> None:
    assert (got.dtype, got.shape) == (np.float32, expected.shape)
    step = (max(expected.max(), 0) - min(expected.min(), 0)) / 255
    assert np.abs(got - expected).max() <= step
    assert np.abs(got - expected).mean() <= MEAN_OF_A_STEP * step
    assert sqnr(expected, got) > LEAST_SQNR


@pytest.fixture(scope="module")
def single() -> OnBoth:
    """All of CASES in one program: each layer reads an input of it and writes an output."""
    torch.manual_seed(0)
    modules = [build() for build, _ in CASES.values()]
    inputs = [x() if callable(x) else torch.randn(x) for _, x in CASES.values()]
    return run_on_both(Side(*modules), *inputs)


@pytest.mark.parametrize("name", CASES)
def test_delegate_computes_what_eager_computes(name, single):
    index = list(CASES).index(name)
    expected, got = single.eager[index], single.delegate[index]
    assert_equal_but_rounding(expected, got)
    if "ReLU" in name:
        assert (expected == 0).any()
        assert np.array_equal(expected == 0, got == 0)


@pytest.mark.parametrize("name", ROWS)
def test_delegate_takes_a_range_of_each_row(name, single):
    """With a range in common the small ones would be lost."""
    index = list(CASES).index(name)
    expected, got = (x[index].astype(np.float64) for x in (single.eager, single.delegate))
    signal, noise = (expected**2).sum(ROWS[name]), ((expected - got) ** 2).sum(ROWS[name])
    assert signal.max() > 1e12 * signal.min()
    assert (10 * np.log10(signal / (noise + 1e-300)) > LEAST_SQNR).all()


def test_empty_row_gives_the_bias(single):
    index = list(CASES).index("empty and constant rows")
    (bias,) = (
        constant_tensor(single.graph, call.args[3])
        for call in single.calls()
        if call.args[0].name == f"inputs_{index}"
    )
    assert np.array_equal(single.delegate[index][0], bias.numpy())


def test_each_layer_is_one_operator_behind_one_conversion(single):
    targets = [call.target for call in single.calls()]
    assert [targets.count(operator) for operator in OPERATORS] == [7, 4, 10]
    assert single.count("XNNConvert") == 21
    assert single.count("XNNFullyConnected") == 11
    assert single.count("XNNConv2d") == 10


def test_relu_is_a_bound_of_the_layer(single):
    bounds = [(bound.output_min, bound.output_max) for _, bound in single.written if bound]
    assert bounds == [(0, "+inf")] * 3
    assert single.count("XNNClamp") == 0
    assert not any("relu" in str(node.target) for node in single.graph.graph.nodes)


def test_three_readers_of_one_tensor_convert_it_once():
    found = run_on_both(Attention(), torch.randn(2, 5, 8))
    assert_equal_but_rounding(*found.eager, *found.delegate)
    assert [call.target for call in found.calls()] == [LINEAR] * 3
    assert (found.count("XNNFullyConnected"), found.count("XNNConvert")) == (3, 1)


def test_readers_of_every_kind_convert_to_rows_of_their_own():
    """Tokens for the linear, pixels for two pointwise ones, the whole map for the other."""
    found = run_on_both(Kinds(), torch.randn(1, 5, 6, 6))
    assert_equal_but_rounding(*found.eager, *found.delegate)
    assert sorted(str(call.target) for call in found.calls()) == sorted(
        map(str, (LINEAR, POINTWISE, POINTWISE, CONV2D))
    )
    assert (found.count("XNNConvert"), found.count("XNNFullyConnected")) == (3, 3)


def test_layers_that_read_each_other():
    found = run_on_both(chain(), torch.randn(1, 3, 8, 10))
    assert_equal_but_rounding(*found.eager, *found.delegate)
    assert [call.target for call in found.calls()] == [CONV2D, *[POINTWISE] * 2, *[LINEAR] * 2]
    assert (found.count("XNNConvert"), found.count("XNNClamp")) == (5, 0)


@pytest.mark.parametrize(
    "module, shape",
    [(nn.Linear(16, 8), (4, 16)), (nn.Conv2d(6, 8, 1), MAP), (nn.Conv2d(6, 8, 3, 2, 1), MAP)],
    ids=["linear", "pointwise", "3x3"],
)
def test_a_layer_alone(module, shape):
    """Its input is the program's, and so is its output."""
    found = run_on_both(module, torch.randn(shape))
    assert_equal_but_rounding(*found.eager, *found.delegate)
    assert found.count("XNNConvert") == len(found.calls()) == 1


def test_layers_of_the_same_integers_keep_their_own_scales():
    found = run_on_both(SameSteps(), torch.randn(4, 8))
    assert_equal_but_rounding(*found.eager, *found.delegate)


SHARING = {
    "tokens": (lambda: nn.Linear(16, 8), (2, 12, 16)),
    "tokens without bias, with ReLU": (lambda: with_relu(nn.Linear(16, 8, bias=False)), (24, 16)),
    "pixels": (lambda: nn.Conv2d(6, 8, 1), (2, 6, 4, 9)),
    "pixels after views": (lambda: Views(nn.Conv2d(6, 8, 1)), (2, 35, 6)),
    "several readers": (Attention, (1, 16, 8)),
    "chain": (chain, (1, 3, 8, 10)),
}


@pytest.mark.parametrize("half", [False, True])
@pytest.mark.parametrize("name", SHARING)
def test_rows_that_share_a_range(name, half):
    """The delegate convolves maps of `rows` pixels; beside float16 it writes float16."""
    torch.manual_seed(0)
    build, shape = SHARING[name]
    both = run_on_both(build(), torch.randn(shape), share=8, half=half)
    assert both.count("XNNFullyConnected") == 0
    matrices = [call for call in both.calls() if call.target is not CONV2D]
    assert matrices
    assert all(call.args[5] >= 8 for call in matrices)
    for expected, got in zip(both.eager, both.delegate, strict=True):
        assert got.dtype == np.float32
        assert sqnr(expected, got) > (HALF_SQNR if half else LEAST_SQNR)

import pytest
import torch
from executorch.backends.xnnpack import xnnpack_preprocess
from executorch.backends.xnnpack.serialization.xnnpack_graph_schema import (
    XNNClamp,
    XNNDatatype,
    XNNGraph,
    XNNStaticReshape,
    XNNStaticTranspose,
    XNNTensorValue,
    XNode,
    XValue,
)
from executorch.runtime import Runtime
from torch import nn

from hvit_edge.lowering import export_graph, rewrite
from hvit_edge.quantize import quantize
from hvit_edge.targets.delegate import lower_to
from hvit_edge.targets.xnnpack import lower as xnnpack
from hvit_edge.targets.xnnpack.moves import merge_moves


class ConvolveTokens(nn.Module):
    """A depthwise convolution over tokens, as in Shunted's feed-forward layers."""

    def __init__(self):
        super().__init__()
        self.inner = nn.Linear(8, 12)
        self.local = nn.Conv2d(12, 12, 3, padding=1, groups=12)

    def forward(self, x):
        x = self.inner(x)
        grid = x.transpose(1, 2).reshape(1, 12, 5, 7)
        return x + self.local(grid).flatten(2).transpose(1, 2)


class Windows(nn.Module):
    """From a map to windows of tokens: one transpose is needed, whatever the layout."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, padding=1)
        self.inner = nn.Linear(8, 5)

    def forward(self, x):
        x = self.stem(x).reshape(1, 8, 2, 3, 4, 2).permute(0, 2, 4, 3, 5, 1)
        return self.inner(x.reshape(8, 6, 8))


class ReadTwice(nn.Module):
    """A map as tokens and as it is: the transpose that both need stays."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 6, 3, padding=1)

    def forward(self, x):
        rows = self.stem(x).flatten(2)
        return rows.softmax(-1), rows.transpose(1, 2).softmax(-1)


class Ends(nn.Module):
    """The chain starts at the input and ends in the output of the program."""

    def forward(self, x):
        return x.transpose(1, 2).reshape(1, 8, 5, 7).permute(0, 2, 3, 1)


class NoView(nn.Module):
    """Between its transposes a reshape that only a copy can do."""

    def forward(self, x):
        return x.transpose(1, 2).reshape(1, 35, 8).transpose(1, 2).relu()


CASES = {
    # module, shape of its input, transposes that ExecuTorch writes, that are left
    "tokens": (ConvolveTokens, (1, 35, 8), 4, 0),
    "windows": (Windows, (1, 3, 6, 8), 3, 2),
    "read twice": (ReadTwice, (1, 3, 6, 8), 3, 2),
    "ends": (Ends, (1, 35, 8), 2, 0),
    "no view": (NoView, (1, 35, 8), 2, 2),
}


@pytest.fixture
def graphs(monkeypatch):
    """The graphs that reach the serialiser, after what `lower` does to them."""
    seen = []
    serialize = xnnpack_preprocess.serialize_xnnpack_binary

    def note(graph, *arguments):
        seen.append(graph)
        return serialize(graph, *arguments)

    monkeypatch.setattr(xnnpack_preprocess, "serialize_xnnpack_binary", note)
    return seen


def transposes(graph):
    return sum(isinstance(node.xnode_union, XNNStaticTranspose) for node in graph.xnodes)


def run(lowered, x):
    program = Runtime.get().load_program(lowered.serialize())
    return [output.clone() for output in program.load_method("forward").execute([x])]


@pytest.mark.parametrize("case", CASES)
def test_fewer_transposes_and_the_same_bits(case, graphs):
    module, shape, before, after = CASES[case]
    torch.manual_seed(0)
    module, x = module().eval(), torch.randn(shape)
    graph = export_graph(module, (x,))
    rewrite(graph)
    plain = lower_to(xnnpack.XnnpackPartitioner(), graph, (x,))
    merged = xnnpack.lower(graph, (x,))
    assert [transposes(g) for g in graphs] == [before, after]
    for actual, expected in zip(run(merged, x), run(plain, x), strict=True):
        assert torch.equal(actual, expected)
        assert actual.shape == expected.shape
    with torch.inference_mode():
        results = module(x)
    results = results if isinstance(results, tuple) else (results,)
    for actual, expected in zip(run(merged, x), results, strict=True):
        assert (actual - expected).abs().max() <= 1e-5


@pytest.mark.parametrize("precision", ["fp16", "int8-dynamic"])
def test_lower_precision_too(precision, graphs):
    torch.manual_seed(0)
    module, x = ConvolveTokens().eval(), torch.randn(1, 35, 8)
    graph = export_graph(module, (x,))
    rewrite(graph)
    graph = quantize(graph, (x,), precision=precision)
    expected = run(lower_to(xnnpack.XnnpackPartitioner(), graph, (x,)), x)
    actual = run(xnnpack.lower(graph, (x,)), x)
    assert [transposes(g) for g in graphs] == [4, 0]
    assert torch.equal(actual[0], expected[0])


class OpenSize(nn.Module):
    """Reshapes that leave a size to be inferred, as attention is commonly written."""

    def forward(self, x):
        y = (x + x).reshape(1, 35, 2, -1).permute(0, 2, 1, 3).permute(0, 2, 1, 3)
        return y.relu().reshape(1, -1, 8)


def test_sizes_left_open_are_merged_too(graphs):
    """In a graph that nothing rewrote: ExecuTorch hands the -1 through, as 0."""
    x = torch.randn(1, 35, 8)
    graph = export_graph(OpenSize().eval(), (x,))
    plain = lower_to(xnnpack.XnnpackPartitioner(), graph, (x,))
    merged = xnnpack.lower(graph, (x,))
    assert any(0 in getattr(node.xnode_union, "new_shape", ()) for node in graphs[0].xnodes)
    (actual,), (expected,) = run(merged, x), run(plain, x)
    assert torch.equal(actual, expected)
    assert torch.equal(actual, (x + x).relu())


FLOATS = XNNDatatype.xnn_datatype_fp32


def values_of(*shapes):
    return [
        XValue(XNNTensorValue(FLOATS, len(shape), shape, 0, number, 0, number))
        for number, shape in enumerate(shapes)
    ]


NOT_UNDERSTOOD = {
    "empty": ([[2, 0], [0, 2], [2, 0]], XNNStaticReshape(2, [0, 2], 0, 1, 0)),
    "other count": ([[2, 3], [2, 4], [4, 2]], XNNStaticReshape(2, [2, 4], 0, 1, 0)),
    "no permutation": ([[2, 3], [3, 3], [3, 3]], XNNStaticTranspose(2, [1, 1], 0, 1, 0)),
    "other rank": ([[2, 3], [3, 2], [2, 3]], XNNStaticTranspose(3, [0, 2, 1], 0, 1, 0)),
}


@pytest.mark.parametrize("name", NOT_UNDERSTOOD)
def test_what_is_not_understood_stays(name):
    shapes, move = NOT_UNDERSTOOD[name]
    nodes = [XNode(move, 0), XNode(XNNClamp(1, 2, 0), 1)]
    graph = XNNGraph("0", list(nodes), values_of(*shapes), 2, [0], [2], [])
    merge_moves(graph)
    assert graph.xnodes == nodes
    assert len(graph.xvalues) == 3

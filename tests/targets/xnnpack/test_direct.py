"""The direct lowering writes the same programs as ExecuTorch's general lowering, byte by byte."""

import copy

import pytest
import torch
import torch.nn.functional as F
from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
from small_hybrids import BLOCKS, SIZE, small_hybrid
from torch import nn

from hvit_edge import create_model
from hvit_edge.lowering import export_graph, pipeline_for, rewrite
from hvit_edge.models import find_sequence_model
from hvit_edge.models.registry import registered_names
from hvit_edge.quantize import quantize, reference_graph
from hvit_edge.targets.delegate import lower_to
from hvit_edge.targets.executorch import executorch_step
from hvit_edge.targets.xnnpack import direct
from hvit_edge.targets.xnnpack import lower as xnnpack
from hvit_edge.targets.xnnpack.direct import lower_directly

X = torch.rand(1, 3, 16, 16, generator=torch.Generator().manual_seed(0))
PRECISIONS = ("fp32", "fp16", "int8-dynamic")


@pytest.fixture
def generally(monkeypatch):
    """Return a function that lowers a graph as if the direct lowering knew no graph."""

    def lower(graph, inputs):
        with monkeypatch.context() as patch:
            patch.setattr(xnnpack, "lower_directly", lambda graph, inputs: None)
            return xnnpack.lower(graph, inputs)

    return lower


def rewritten(module: nn.Module, x: torch.Tensor, precision: str = "fp32"):
    graph = export_graph(module.eval(), (x,))
    rewrite(graph, passes=pipeline_for("any", precision))
    if precision == "fp32":
        return graph
    return quantize(reference_graph(graph, precision), (x,), precision=precision)


def check_equal(graph, inputs, generally):
    """Lower `graph` both ways, and compare all that is known about the programs."""
    taken = lower_directly(copy.deepcopy(graph), inputs)
    assert taken is not None
    lowered, expected = xnnpack.lower(graph, inputs), generally(graph, inputs)
    assert lowered.delegate_graph == expected.delegate_graph
    assert lowered.operators == expected.operators
    assert (lowered.delegates, lowered.ops_outside) == (1, [])
    assert (expected.delegates, expected.ops_outside) == (1, [])
    assert lowered.serialize() == expected.serialize()
    return lowered


@pytest.mark.parametrize("precision", PRECISIONS)
def test_a_hybrid_has_the_same_bytes_in_every_precision(precision, tiny_model, generally):
    graph = rewritten(tiny_model, X, precision)
    lowered = check_equal(graph, (X,), generally)
    constants = {"name": "net", "size": 16}
    assert lowered.serialize(constants) == generally(graph, (X,)).serialize(constants)


def test_layers_of_both_programs_compute_the_same(tiny_model, generally):
    graph = rewritten(tiny_model, X, "int8-dynamic")
    lowered, expected = xnnpack.lower(graph, (X,)), generally(graph, (X,))
    values = xnnpack.program_values(graph, lowered, (X,))
    wanted = xnnpack.program_values(graph, expected, (X,))
    assert values.keys() == wanted.keys() != set()
    assert all(torch.equal(values[name], wanted[name]) for name in values)


class Several(nn.Module):
    """Several inputs and outputs in other orders than their uses, shared and unread tensors."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.conv, self.linear = nn.Conv2d(3, 4, 3, padding=1), nn.Linear(16, 8)
        self.scale = nn.Parameter(torch.rand(4, 1, 1))
        self.turned = nn.ConvTranspose2d(4, 2, 2, stride=2)
        self.same = nn.Conv2d(4, 4, 3, padding="same", bias=False)
        self.same.weight = nn.Parameter(torch.rand(4, 4, 3, 3))

    def forward(self, rows, unread, image):
        maps = F.silu(self.same(self.conv(image))) * self.scale
        maps = F.hardtanh(maps + F.conv2d(maps, self.same.weight, padding=1), 0.0, 6.0)
        maps = torch.cat([maps, maps * self.scale, maps.relu(), maps.exp(), -maps, maps.abs()], 1)
        tokens = self.linear(maps).softmax(-1)
        first = self.linear(rows) + tokens.mean((1, 2)).reshape(1, 8)
        return {"b": [tokens, first], "a": (self.turned(maps[:, 4:8]), first)}


def test_inputs_outputs_and_shared_constants_keep_their_places(generally):
    inputs = (torch.rand(1, 16), torch.rand(2), X)
    graph = export_graph(Several().eval(), inputs)
    rewrite(graph)
    check_equal(graph, inputs, generally)


@pytest.mark.slow
@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.__name__)
def test_blocks_of_other_hybrids_have_the_same_bytes(block, precision, generally):
    image = torch.rand(1, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(0))
    check_equal(rewritten(small_hybrid(block), image, precision), (image,), generally)


def registered():
    for name in registered_names():
        for precision in PRECISIONS:
            slowness = "slow" if (name, precision) == ("mobilevit_xxs", "fp32") else "nightly"
            mark = getattr(pytest.mark, slowness)
            yield pytest.param(name, precision, marks=mark, id=f"{name} {precision}")


@pytest.mark.parametrize("name, precision", list(registered()))
def test_registered_models_have_the_same_bytes(name, precision, generally):
    sequence = find_sequence_model(name)
    shape = (1, 3, 224, 224) if sequence is None else (1, sequence.frames, sequence.bands)
    x = torch.rand(shape, generator=torch.Generator().manual_seed(0))
    module = create_model(name, weights="random")
    check_equal(rewritten(module, x, precision), (x,), generally)


class Outside(nn.Module):
    """An operator that only a portable kernel runs."""

    def forward(self, x):
        return x.flatten(1).relu().topk(3).values


class Apart(nn.Module):
    """Two parts without a common value, which are two delegates."""

    def forward(self, x, y):
        return x.relu(), y.sigmoid()


class Passed(nn.Module):
    """An output that is an input."""

    def forward(self, x):
        return x.relu(), x


class Number(nn.Module):
    """A number where XNNPACK reads a tensor, in a graph that nothing rewrote."""

    def forward(self, x):
        return x.relu() * 2


class Constants(nn.Module):
    """An operator of constants, which ExecuTorch computes while it lowers."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.rand(16))

    def forward(self, x):
        return x.relu() * self.scale.exp()


class Doubles(nn.Module):
    """A dtype that XNNPACK does not have."""

    def forward(self, x):
        return x.double().relu().float()


LEFT = {
    "an operator outside": (Outside, (X,)),
    "two parts": (Apart, (X, X)),
    "an input as an output": (Passed, (X,)),
    "a number": (Number, (X,)),
    "constants": (Constants, (X,)),
    "another dtype": (Doubles, (X,)),
}


@pytest.mark.parametrize("case", LEFT)
def test_other_graphs_are_left_to_the_general_lowering(case):
    module, inputs = LEFT[case]
    graph = export_graph(module().eval(), inputs)
    assert lower_directly(copy.deepcopy(graph), inputs) is None
    assert xnnpack.lower(graph, inputs).serialize()


def test_an_example_of_another_shape_is_left_to_the_general_lowering(tiny_model):
    graph = rewritten(tiny_model, X)
    assert lower_directly(graph, (X[..., :8],)) is None
    assert lower_directly(graph, (X.double(),)) is None


def test_an_error_of_the_direct_lowering_is_left_to_the_general_lowering(monkeypatch):
    def refuse(program):
        raise AssertionError("Attempting to convert non-NHWC compatible node to NHWC")

    graph = export_graph(nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU()).eval(), (X,))
    monkeypatch.setattr(direct, "preprocess", refuse)
    lowered = xnnpack.lower(graph, (X,))
    assert (lowered.delegates, lowered.ops_outside) == (1, [])
    assert len(lowered.operators) == 1 + 2  # a convolution with its ReLU, and a transpose each way
    expected = graph(X).detach()
    actual = torch.from_numpy(executorch_step(lowered.serialize())(X.numpy()))
    assert (actual - expected).abs().max() <= 1e-6 * expected.abs().max()


def test_stock_lowering_takes_no_direct_way(monkeypatch):
    graph = export_graph(nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU()).eval(), (X,))
    stock = lower_to(XnnpackPartitioner(), copy.deepcopy(graph), (X,)).serialize()
    monkeypatch.setattr(xnnpack, "lower_directly", None)
    assert xnnpack.lower(graph, (X,), plainly=True).serialize() == stock

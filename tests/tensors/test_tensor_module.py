"""Modules as functions of a flat list of tensors: names of inputs and outputs."""

import collections
import dataclasses

import pytest
import torch
from torch import nn

from hvit_edge.errors import InputError
from hvit_edge.lowering import export_graph
from hvit_edge.lowering.graph import module_path
from hvit_edge.tensors.tensor_module import (
    TensorModule,
    argument_names,
    checked_outputs,
    named_outputs,
    without_wrapper,
)

A, B, C = torch.ones(1), torch.ones(2), torch.ones(3)
Pair = collections.namedtuple("Pair", "left right")


@dataclasses.dataclass
class Output:
    logits: torch.Tensor
    hidden: tuple | None = None
    loss: torch.Tensor | None = None


class ModelOutput(collections.OrderedDict):
    """A mapping that is also a data class, as in transformers."""


@pytest.mark.parametrize(
    ("output", "names"),
    [
        (A, ["output"]),
        ((A, B), ["output_0", "output_1"]),
        ([A, (B, C)], ["output_0", "output_1.0", "output_1.1"]),
        (
            {"logits": A, "features": {"low": B, "high": C}},
            ["logits", "features.low", "features.high"],
        ),
        ({0: A}, ["output_0"]),
        (Pair(A, B), ["left", "right"]),
        (Output(A), ["logits"]),
        (Output(A, hidden=(B, C)), ["logits", "hidden.0", "hidden.1"]),
        (ModelOutput(logits=A, states=(B,)), ["logits", "states.0"]),
        ((A, None, B), ["output_0", "output_2"]),
    ],
)
def test_outputs_have_the_names_of_their_places(output, names):
    found = list(named_outputs(output))
    assert [name for name, _ in found] == names
    assert all(isinstance(value, torch.Tensor) for _, value in found)


@pytest.mark.parametrize(
    ("output", "fault"),
    [
        ((), "got none"),
        (None, "got none"),
        ({"loss": 0.5, "logits": A}, "loss: float 0.5"),
        ((A, "text"), "output_1: str 'text'"),
        (A.double(), "output: torch.float64"),
        (A.half(), "output: torch.float16"),
        (A.to(torch.int8), "output: torch.int8"),
        (torch.zeros(0, 2), "output: an empty tensor"),
        (A.to_sparse(), "output: a tensor on cpu in torch.sparse_coo"),
        ({"a.b": A, "a": {"b": B}}, "a.b twice"),
        (A * float("nan"), "got NaN or infinity in output"),
        ((A, B / 0), "got NaN or infinity in output_1"),
    ],
)
def test_refuses_outputs_that_no_artifact_has(output, fault):
    with pytest.raises(InputError) as caught:
        checked_outputs(output, "compile")
    assert fault in str(caught.value)


class Takes(nn.Module):
    def forward(self, x, y=None, *, scale=None):
        return x


class TakesAny(nn.Module):
    def forward(self, *rows, **named):
        return rows


def test_arguments_are_named_by_forward():
    assert argument_names(Takes(), None, 2, "compile") == (("x", "y"), None)
    assert argument_names(Takes(), ("scale", "x"), 2, "compile") == (("scale", "x"),) * 2
    assert argument_names(TakesAny(), None, 2, "compile") == (("input_0", "input_1"), None)
    assert argument_names(TakesAny(), ("a",), 1, "compile") == (("a",), ("a",))


@pytest.mark.parametrize(
    ("names", "count", "fault"),
    [
        (None, 3, "expected the arguments of forward (x, y, scale), got 3 arrays"),
        (("x", "z"), 2, "got an unknown z"),
        (("y",), 1, "got no x"),
        (("z",), 1, "got an unknown z, no x"),
    ],
)
def test_refuses_arguments_that_forward_does_not_have(names, count, fault):
    with pytest.raises(InputError) as caught:
        argument_names(Takes(), names, count, "compile")
    assert fault in str(caught.value)


def test_the_wrapper_is_in_no_name_of_a_module():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.head = nn.Linear(2, 3)

        def forward(self, x, y):
            return self.head(x) + y

    module = TensorModule(Net().eval(), ("y", "x"))
    inputs = (torch.ones(1, 3), torch.ones(1, 2))
    graph = without_wrapper(export_graph(module, inputs))
    calls = [node for node in graph.graph.nodes if node.op == "call_function"]
    assert [module_path(node) for node in calls] == ["head", ""]
    assert torch.equal(graph(*inputs)[0], module(*inputs)[0])

"""Find the layer in which a program differs from its graph, on the program's own values."""

import math

import pytest
import torch
from torch import nn

from hvit_edge.lowering import export_graph
from hvit_edge.parity.fidelity import first_unfaithful
from hvit_edge.parity.forced_layers import forced_layers
from hvit_edge.quantize.arithmetic import FLOAT32


@pytest.fixture
def graph():
    torch.manual_seed(0)
    layers = nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 6), nn.ReLU(), nn.Linear(6, 3))
    return export_graph(layers.eval(), (torch.rand(1, 4),))


def values_of(graph, x):
    values = {}

    class Recorder(torch.fx.Interpreter):
        def run_node(self, node):
            values[node.name] = super().run_node(node)
            return values[node.name]

    with torch.inference_mode():
        output = Recorder(graph).run(x)
    return {k: v for k, v in values.items() if k.startswith("linear")}, output


def test_a_faithful_program_has_no_noise(graph):
    x = torch.rand(1, 4)
    values, output = values_of(graph, x)
    found = forced_layers(graph, values, (x,), (output,), FLOAT32)
    assert [layer.layer for layer in found] == ["0:linear", "2:linear_1", "4:linear_2"]
    assert all(layer.sqnr_db == math.inf for layer in found)
    assert first_unfaithful(found, 60) is None


def test_an_error_is_found_in_its_own_layer_alone(graph):
    x = torch.rand(1, 4)
    values, output = values_of(graph, x)
    values["linear_1"] = values["linear_1"] + 0.01
    with torch.inference_mode():  # what follows is computed from it, and right
        last = graph.get_submodule("4")
        output = nn.functional.linear(values["linear_1"].relu(), last.weight, last.bias)
    values["linear_2"] = output
    found = forced_layers(graph, values, (x,), (output,), FLOAT32)
    assert found[0].sqnr_db == math.inf and found[2].sqnr_db > 100
    assert 10 < found[1].sqnr_db < 60
    assert first_unfaithful(found, 60) == found[1]


def test_the_output_is_compared_if_it_is_not_among_the_values(graph):
    x = torch.rand(1, 4)
    values, output = values_of(graph, x)
    del values["linear_2"]
    found = forced_layers(graph, values, (x,), (output * 1.1,), FLOAT32)
    assert (found[-1].layer, round(found[-1].sqnr_db, 3)) == ("the output", 20.0)
    assert first_unfaithful(found, 60) == found[-1]
    assert first_unfaithful(found, 19) is None


class Centered(nn.Module):
    """The second layer reads a mean of centered values, which consists of rounding errors."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.first, self.second = nn.Linear(4, 8), nn.Linear(1, 3)

    def forward(self, x):
        y = self.first(x)
        return self.second((y - y.mean(1, keepdim=True)).mean(1, keepdim=True))


def test_values_that_cancel_may_be_any_rounding_error():
    x = torch.rand(1, 4)
    graph = export_graph(Centered().eval(), (x,))
    values, output = values_of(graph, x)
    (node,) = [n for n in values if n.startswith("linear_1")]
    values = {"linear": values["linear"], "mean_1": torch.full((1, 1), 3e-8), node: output}
    found = forced_layers(graph, values, (x,), (output,), FLOAT32)
    assert first_unfaithful(found, 60) is None
    values["mean_1"] = torch.full((1, 1), 1e-3)
    assert (
        first_unfaithful(forced_layers(graph, values, (x,), (output,), FLOAT32), 60).layer
        == "mean_1"
    )


def test_values_that_are_not_finite_are_unfaithful(graph):
    x = torch.rand(1, 4)
    values, output = values_of(graph, x)
    values["linear_1"] = torch.full((1, 6), math.nan)
    found = forced_layers(graph, values, (x,), (output,), FLOAT32)
    assert first_unfaithful(found, 60) == found[1]

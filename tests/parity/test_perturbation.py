"""The effect of errors of arithmetic on the answers of a graph."""

import numpy as np
import pytest
import torch
from torch import nn

from hvit_edge.lowering import export_graph
from hvit_edge.parity import perturbation
from hvit_edge.parity.perturbation import UNIT, perturbed_outputs
from hvit_edge.parity.steps import quantised_step
from hvit_edge.quantize import quantize, reference_graph, sqnr


@pytest.mark.parametrize("number", UNIT)
def test_the_answers_move_by_about_the_unit(number):
    torch.manual_seed(0)
    model = nn.Linear(16, 200).eval()
    inputs = [np.random.default_rng(0).random((1, 16), np.float32)]
    graph = export_graph(model, (torch.from_numpy(inputs[0]),))
    (moved,) = perturbed_outputs(graph, inputs, number)
    with torch.inference_mode():
        plain = model(torch.from_numpy(inputs[0])).numpy()
    largest = np.abs(moved / plain - 1).max()
    assert 0.9 * UNIT[number] < largest < 1.1 * UNIT[number] + 1e-7
    expected = -20 * np.log10(UNIT[number] / np.sqrt(3))  # uniform between plus and minus one unit
    assert sqnr(plain, moved) == pytest.approx(expected, abs=2)
    again = perturbed_outputs(graph, inputs, number)
    assert np.array_equal(moved, again[0]), "the same draw every time"


class OneLogit(nn.Module):
    """A network of few values, which may all be far from the borders of int8 steps."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.first, self.last = nn.Linear(64, 64), nn.Linear(64, 1)

    def forward(self, x):
        return self.last(self.first(x).relu().mean(1))


@pytest.fixture
def one_logit():
    """Return the quantized graph, and inputs for it."""
    model = OneLogit().eval()
    inputs = [np.random.default_rng(i).random((1, 16, 64), np.float32) for i in range(5)]
    example = (torch.from_numpy(inputs[0]),)
    graph = reference_graph(export_graph(model, example), "int8-dynamic")
    return quantize(graph, example, precision="int8-dynamic"), inputs


def test_every_draw_has_values_on_the_other_side_of_a_rounding(one_logit, monkeypatch):
    graph, inputs = one_logit
    plain = np.concatenate([quantised_step(graph)(array) for array in inputs])
    floors = []
    for seed in range(6):
        monkeypatch.setattr(perturbation, "SEED", seed)
        floors.append(sqnr(plain, np.concatenate(perturbed_outputs(graph, inputs, torch.float32))))
    assert max(floors) < 100, "errors of float32 alone leave 120 dB"
    assert max(floors) - min(floors) < 20, "twice the margin of the gate"


def test_results_that_float16_cannot_hold_err_by_its_smallest_step():
    graph = export_graph(nn.Flatten().eval(), (torch.full((1, 4), 1e-9),))
    (moved,) = perturbed_outputs(graph, [np.full((1, 4), 1e-9, np.float32)], torch.float16)
    assert 1e-9 < np.abs(moved).max() < 2.0**-24

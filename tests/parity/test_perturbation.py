"""What errors of arithmetic alone do to a graph's answers."""

import numpy as np
import pytest
import torch
from torch import nn

from hvit_edge.lowering import export_graph
from hvit_edge.parity.perturbation import UNIT, perturbed_outputs
from hvit_edge.quantize import sqnr


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

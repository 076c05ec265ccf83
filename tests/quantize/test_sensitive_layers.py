"""Layers that lose an int8 graph's answer are float again, if they are few."""

import numpy as np
import pytest
import torch
from torch import nn

from hvit_edge.quantize import Calibration, centred_sqnr, quantize, reference_graph
from hvit_edge.quantize.int8_operators import INT8_OPERATORS
from hvit_edge.quantize.sensitive_layers import LEAST_DB, keep_sensitive_layers

FAR = 3000.0  # a feature that nobody reads, beside which the others are less than a step


class Tokens(nn.Module):
    """Linear layers and ReLUs, some of which write a feature that is far from the others."""

    def __init__(self, far: tuple[int, ...], depth: int = 6) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(40, 40) for _ in range(depth))
        with torch.no_grad():
            for place in far:
                self.layers[place - 1].bias[0] = FAR
                self.layers[place].weight[:, 0] = 0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for layer in self.layers:
            x = layer(x).relu()
        return x.mean(1)


@pytest.fixture
def made(graph_of):
    def make(far: tuple[int, ...]):
        torch.manual_seed(0)
        inputs = [torch.randn(1, 9, 40) for _ in range(6)]
        reference = reference_graph(graph_of(Tokens(far), inputs[0]), "int8")
        arrays = tuple(array.numpy() for array in inputs)
        given = {"precision": "int8", "calibration": Calibration(arrays)}
        return reference, quantize(reference, (inputs[0],), **given), arrays

    return make


def int8_layers(graph) -> int:
    return sum(node.target in INT8_OPERATORS for node in graph.graph.nodes)


def answers(graph, inputs) -> np.ndarray:
    with torch.inference_mode():
        results = [graph(torch.from_numpy(array)) for array in inputs]
    return torch.cat([r[0] if isinstance(r, tuple) else r for r in results]).numpy()


def test_the_layer_that_loses_it_is_float_again(made):
    reference, quantized, inputs = made((3,))
    count = int8_layers(quantized)
    found = keep_sensitive_layers(reference, quantized, inputs)
    assert found.layers == ("layers.3",) and found.worst == ()
    assert found.before_db < LEAST_DB <= found.after_db
    assert int8_layers(quantized) == count - 1
    after = centred_sqnr(answers(reference, inputs), answers(quantized, inputs))
    assert after == pytest.approx(found.after_db)
    assert "with layers.3 in floating point it has" in found.notice


def test_many_layers_stay_and_the_worst_are_named(made):
    reference, quantized, inputs = made((1, 2, 3, 4, 5))
    code = quantized.code
    found = keep_sensitive_layers(reference, quantized, inputs)
    assert found.layers == () and len(found.worst) == 3
    assert found.before_db == found.after_db < LEAST_DB
    assert quantized.code == code
    assert "lose most; --precision fp16 or fp32" in found.notice
    assert all(name in found.notice for name, _ in found.worst)


def test_an_answer_that_is_good_is_left_alone(made):
    reference, quantized, inputs = made(())
    code = quantized.code
    assert keep_sensitive_layers(reference, quantized, inputs) is None
    assert quantized.code == code


def test_one_image_says_nothing(made):
    reference, quantized, inputs = made((3,))
    assert keep_sensitive_layers(reference, quantized, inputs[:1]) is None

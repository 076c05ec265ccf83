import copy

import numpy as np
import pytest
import torch

from hvit_edge.errors import InputError
from hvit_edge.quantize import sqnr
from hvit_edge.quantize.int8 import quantize_int8
from hvit_edge.quantize.layers import find_layers
from hvit_edge.quantize.moments import input_moments
from hvit_edge.quantize.plan import Plan, apply_plan
from hvit_edge.quantize.rounded_layers import round_layers
from hvit_edge.quantize.sensitivity import MOST_INPUTS, measure_sensitivity


@pytest.fixture
def subject(tiny_model, tiny_preprocess, graph_of, smooth_images):
    """A graph, its layers that can be int8, inputs and moments."""
    inputs = [(torch.from_numpy(tiny_preprocess(image)),) for image in smooth_images(6)]
    graph = graph_of(tiny_model, inputs[0][0])
    layers = [layer for layer in find_layers(graph) if not layer.is_depthwise]
    return graph, layers, inputs, input_moments(graph, layers, inputs)


def logits(graph, inputs):
    with torch.inference_mode():
        return np.concatenate([graph(*arguments).numpy() for arguments in inputs])


def check_number(found, expected, actual):
    errors = (actual.astype("f8") - expected.astype("f8")) ** 2
    assert found.noise == pytest.approx(errors.sum(1).mean(), rel=1e-12)
    assert found.noise > 0
    assert found.sqnr_db == sqnr(expected, actual)
    assert found.agreement == np.mean(expected.argmax(1) == actual.argmax(1))


def test_numbers_are_those_of_quantising_one_layer_in_a_copy(subject):
    graph, layers, inputs, moments = subject
    expected = logits(graph, inputs)
    found = measure_sensitivity(graph, layers, inputs, moments)
    assert [item.layer for item in found] == [layer.name for layer in layers]
    for index, item in enumerate(found):
        copied = copy.deepcopy(graph)
        same = [layer for layer in find_layers(copied) if layer.name == layers[index].name]
        quantize_int8(copied, same, round_layers(copied, same, moments))
        copied.recompile()
        check_number(item, expected, logits(copied, inputs))


def test_fp16_numbers_are_those_of_a_plan_of_one_layer(subject):
    graph, _, inputs, _ = subject
    layers = find_layers(graph)
    found = measure_sensitivity(graph, layers, inputs, None, precision="fp16")
    for item in found:
        copied = copy.deepcopy(graph)
        apply_plan(copied, Plan({item.layer: "fp16"}))
        check_number(item, logits(graph, inputs), logits(copied, inputs))


def test_layer_with_a_relu(graph_of):
    """The operator after the layer is part of it, and other branches are not."""

    class Branches(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.second = torch.nn.Linear(6, 6), torch.nn.Linear(6, 6)

        def forward(self, x):
            return self.second(self.first(x).relu() + x) + x

    inputs = [(torch.randn(2, 6),) for _ in range(3)]
    graph = graph_of(Branches(), inputs[0][0])
    layers = find_layers(graph)
    assert layers[0].output is not layers[0].node
    found = measure_sensitivity(graph, layers, inputs, None)
    copied = copy.deepcopy(graph)
    quantize_int8(copied, find_layers(copied)[:1])
    copied.recompile()
    errors = (logits(copied, inputs).astype("f8") - logits(graph, inputs)) ** 2
    assert found[0].noise == pytest.approx(errors.sum() / 6, rel=1e-12)


def test_the_graph_is_left_and_the_numbers_repeat(subject):
    graph, layers, inputs, moments = subject
    code, before = graph.code, logits(graph, inputs)
    first = measure_sensitivity(graph, layers, inputs, moments)
    assert measure_sensitivity(graph, layers, inputs, moments) == first
    assert graph.code == code
    assert np.array_equal(logits(graph, inputs), before)


@pytest.mark.parametrize("stop", [1, 3])
def test_interrupted_measurement_goes_on(subject, stop):
    graph, layers, inputs, moments = subject
    whole = measure_sensitivity(graph, layers, inputs, moments)
    done = []

    def keep(item):
        done.append(item)
        if len(done) == stop:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        measure_sensitivity(graph, layers, inputs, moments, on_layer=keep)
    new = []
    again = measure_sensitivity(graph, layers, inputs, moments, done=done, on_layer=new.append)
    assert again == whole
    assert done + new == whole


def test_known_layers_are_taken_as_they_are(subject):
    """Nothing runs where everything is known; another precision's result does not count."""
    graph, layers, inputs, moments = subject
    known = measure_sensitivity(graph, layers, inputs, moments)
    unusable = [(torch.zeros(1),)]
    assert measure_sensitivity(graph, layers, unusable, None, done=known) == known
    half = measure_sensitivity(graph, layers, inputs, None, precision="fp16", done=known)
    assert all(
        h.precision == "fp16" and h.noise < k.noise for h, k in zip(half, known, strict=True)
    )


def test_no_more_than_32_inputs_are_used(graph_of):
    inputs = [(torch.randn(1, 4),) for _ in range(MOST_INPUTS)]
    graph = graph_of(torch.nn.Linear(4, 3), inputs[0][0])
    layers = find_layers(graph)
    more = [*inputs, (torch.full((1, 4), torch.nan),)]
    found = measure_sensitivity(graph, layers, more, None)
    assert found == measure_sensitivity(graph, layers, inputs, None)
    assert MOST_INPUTS == 32


def test_overflow_is_infinite_noise(graph_of):
    inputs = [(torch.full((1, 4), 1e6),)]
    graph = graph_of(torch.nn.Linear(4, 3), inputs[0][0])
    (found,) = measure_sensitivity(graph, find_layers(graph), inputs, None, precision="fp16")
    assert (found.noise, found.sqnr_db) == (float("inf"), float("-inf"))


def test_refusals(subject):
    graph, layers, inputs, moments = subject
    with pytest.raises(InputError, match="expected calibration inputs, got none"):
        measure_sensitivity(graph, layers, [], moments)
    with pytest.raises(InputError, match="expected layers that can be int8, got mix:conv2d"):
        measure_sensitivity(graph, find_layers(graph), inputs, moments)

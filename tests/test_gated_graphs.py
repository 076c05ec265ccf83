"""The graphs of a compilation: their gates, and the images that layers are measured on."""

import copy

import pytest
import torch

from hvit_edge.errors import ParityError
from hvit_edge.gate import Gate
from hvit_edge.gated_graphs import LAYER_INPUTS, measure_layers, rewritten_graph
from hvit_edge.lowering import NATIVE_PIPELINE
from hvit_edge.parity.layers import record_layers
from hvit_edge.quantize import bundled_calibration, quantize, reference_graph
from hvit_edge.subject import prepare_subject


@pytest.fixture
def gate(tiny_model, tiny_preprocess):
    module = copy.deepcopy(tiny_model)  # the graph shares its parameters
    subject = prepare_subject(module, None, None, None, tiny_preprocess, None)
    return Gate(subject, "fp16", None)


def silent(step):
    pass


def test_both_steps_are_told_and_gated(gate):
    told = []
    graph = rewritten_graph(gate, NATIVE_PIPELINE, told.append)
    assert told == ["export", "rewrite"]
    assert [result.name for result in gate.results] == ["exported", "rewritten"]
    with torch.inference_mode():
        answer = graph(torch.from_numpy(gate.subject.example))
    assert torch.allclose(answer, torch.from_numpy(gate.subject.expected), atol=1e-5)


def test_a_rewrite_that_changes_the_function_is_refused(gate):
    def spoil(graph):
        for parameter in graph.parameters():
            parameter.data *= 1.5

    with pytest.raises(ParityError, match="expected the rewritten program"):
        rewritten_graph(gate, (spoil,), silent)


def test_without_calibration_layers_are_measured_on_the_bundled_photos(gate):
    graph = rewritten_graph(gate, NATIVE_PIPELINE, silent)
    reference = reference_graph(graph, "fp16")
    example = (torch.from_numpy(gate.subject.example),)
    halved = quantize(reference, example, precision="fp16")
    records = measure_layers(gate, reference, halved, None)
    images = bundled_calibration(gate.subject.origin.preprocess).inputs
    assert records == record_layers(reference, halved, images[:LAYER_INPUTS])
    assert gate.results[-1].name == "quantised"

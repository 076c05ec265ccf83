"""The graphs of a compilation: their gates, and the images on which layers are measured."""

import copy

import numpy as np
import pytest
import torch

from hvit_edge.compiler import pipeline
from hvit_edge.compiler.photo_gate import LAYER_INPUTS, PhotoGate
from hvit_edge.compiler.pipeline import make_program, rewritten_graph
from hvit_edge.compiler.subject import prepare_subject
from hvit_edge.compiler.tensor_gate import TensorGate
from hvit_edge.compiler.tensor_subject import prepare_arrays
from hvit_edge.errors import ParityError
from hvit_edge.lowering import NATIVE_PIPELINE
from hvit_edge.lowering.graph import nodes_calling
from hvit_edge.parity.layers import record_layers
from hvit_edge.parity.steps import EAGER
from hvit_edge.quantize import bundled_calibration, quantize, reference_graph, sqnr
from hvit_edge.quantize.arithmetic import FLOAT16
from hvit_edge.targets import target_named
from hvit_edge.targets.target import Job, Quantized


@pytest.fixture
def gate(tiny_model, tiny_preprocess):
    module = copy.deepcopy(tiny_model)  # the graph shares its parameters
    subject = prepare_subject(module, preprocess=tiny_preprocess)
    return PhotoGate(subject, "fp16", None)


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


@pytest.fixture
def runs(gate, monkeypatch):
    """Record the graphs that the gate runs."""
    found, run = [], gate._run_graph
    monkeypatch.setattr(gate, "_run_graph", lambda graph, x: found.append(graph) or run(graph, x))
    return found


def test_the_answer_that_accepted_the_rewrites_is_the_one_that_is_gated(gate, runs):
    graph = rewritten_graph(gate, NATIVE_PIPELINE, silent)
    assert runs == [graph, graph], "as exported, and after all rewrites"


def test_a_graph_that_changed_after_its_rewrites_is_run_again(gate, runs):
    graph = gate.export()
    assert gate.fault(graph) == ""
    for node in nodes_calling(graph, torch.ops.aten.linear.default):
        node.args = (node.args[0], node.args[1])  # without its bias
    graph.recompile()
    with pytest.raises(ParityError, match="expected the rewritten program"):
        gate.check_graph("rewritten", graph)
    assert runs == [graph, graph]


def test_a_rewrite_that_changes_the_function_is_refused(gate):
    def spoil(graph):
        for parameter in graph.parameters():
            parameter.data *= 1.5

    with pytest.raises(ParityError, match="expected the rewritten program"):
        rewritten_graph(gate, (spoil,), silent)


def test_the_gate_keeps_the_rewrites_that_failed(gate):
    def fail(graph):
        raise IndexError("no channel 8")

    rewritten_graph(gate, (*NATIVE_PIPELINE, fail), silent)
    (report,) = gate.rewrites_left_out
    assert (report.name, report.left_out) == ("fail", "IndexError: no channel 8")
    rewritten_graph(gate, NATIVE_PIPELINE, silent)
    assert gate.rewrites_left_out == ()


def test_the_gate_keeps_the_rewrites_that_changed_the_answer(gate):
    def spoil(graph):
        for node in nodes_calling(graph, torch.ops.aten.linear.default):
            node.args = (node.args[0], node.args[1])  # without its bias
        return True

    graph = rewritten_graph(gate, (spoil, *NATIVE_PIPELINE), silent)
    (report,) = gate.rewrites_left_out
    assert report.name == "spoil"
    assert report.left_out.startswith("it changes the answer: expected max_rel <= 0.0001")
    with torch.inference_mode():
        answer = graph(torch.from_numpy(gate.subject.example))
    assert torch.allclose(answer, torch.from_numpy(gate.subject.expected), atol=1e-5)


def test_the_gate_of_arrays_names_the_output_that_a_rewrite_changed():
    class Two(torch.nn.Module):
        def forward(self, x):
            return {"same": x + 1, "other": x.relu()}

    samples = (torch.linspace(-1, 1, 8).reshape(1, 8),)
    gate = TensorGate(prepare_arrays(Two().eval(), samples, registered=False), "fp32", None)
    graph = gate.export()
    assert gate.fault(graph) == ""
    for node in nodes_calling(graph, torch.ops.aten.relu.default):
        node.target = torch.ops.aten.abs.default
    graph.recompile()
    assert gate.fault(graph).startswith("it changes other: expected max_rel <= 0.0001, got max_rel")
    assert gate.results == []


def test_without_calibration_layers_are_measured_on_the_bundled_photos(gate):
    graph = rewritten_graph(gate, NATIVE_PIPELINE, silent)
    reference = reference_graph(graph, "fp16")
    example = (torch.from_numpy(gate.subject.example),)
    halved = quantize(reference, example, precision="fp16")
    images = bundled_calibration(gate.subject.origin.preprocess).inputs[:LAYER_INPUTS]
    measured_on = gate.layer_inputs(None)
    assert [np.array_equal(a, b) for a, b in zip(measured_on, images, strict=True)] == [True] * 16
    assert len(record_layers(reference, halved, measured_on)) > 3


def test_a_quantized_graph_is_gated_on_photos(gate):
    graph = rewritten_graph(gate, NATIVE_PIPELINE, silent)
    example = (torch.from_numpy(gate.subject.example),)
    halved = quantize(reference_graph(graph, "fp16"), example, precision="fp16")
    gate.check_quantized(Quantized(halved, FLOAT16))
    reference = gate.reference
    result = gate.results[-1]
    assert (result.name, result.reference, len(reference.inputs)) == ("quantised", EAGER, 5)
    with torch.inference_mode():
        eager = [gate.subject.module(torch.from_numpy(x)).numpy() for x in reference.inputs]
    assert result.sqnr_db == sqnr(np.concatenate(eager), np.concatenate(reference.outputs))
    assert 40 < result.sqnr_db < 80
    assert np.array_equal(gate.graph.output, reference.outputs[0])
    assert gate.parity == result.difference


@pytest.mark.parametrize(
    "precision, expected",
    [("fp32", []), ("fp16", []), ("int8-dynamic", ["before lower", "after it"])],
)
def test_memory_is_freed_around_the_lowering_of_int8(gate, monkeypatch, precision, expected):
    """Calibration needs the most memory, and graphs that nothing reads wait for a collection."""
    steps = []
    freed = []
    monkeypatch.setattr(
        pipeline,
        "free_memory",
        lambda: freed.append("after it" if "lower" in steps else "before lower"),
    )
    gate = PhotoGate(gate.subject, precision, None)
    job = Job("tiny", precision, gate.photos, tell=steps.append)
    make_program(target_named("native"), gate, job)
    assert freed == expected

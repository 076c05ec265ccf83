"""Make and gate the graphs of a compilation before lowering."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch.fx import GraphModule

from hvit_edge.artifact.metadata import LayerRecord
from hvit_edge.compiler.gate import Gate
from hvit_edge.lowering import export_graph, rewrite
from hvit_edge.parity.fidelity import QuantizedReference
from hvit_edge.parity.forced_layers import Values, forced_layers
from hvit_edge.parity.layers import record_layers
from hvit_edge.parity.steps import Step, pytorch_step
from hvit_edge.preprocess import load_image
from hvit_edge.quantize import Calibration, bundled_calibration
from hvit_edge.quantize.arithmetic import Arithmetic
from hvit_edge.weights import bundled_photos

LAYER_INPUTS = 16
"""Number of images on which layers are measured."""


def rewritten_graph(
    gate: Gate, passes: Sequence[Callable[[GraphModule], None]], tell: Callable[[str], None]
) -> GraphModule:
    """Return the module of the gate as a graph, rewritten by `passes`.

    The gate records the rewrites that were left out: those that raised, and those after which the
    graph did not pass the gate.
    """
    subject = gate.subject
    tell("export")
    graph = export_graph(subject.module, (torch.from_numpy(subject.example),))
    gate("exported", pytorch_step(graph))
    tell("rewrite")
    reports = rewrite(graph, passes=passes, check=gate.fault)
    gate.rewrites_left_out = tuple(report for report in reports if report.left_out)
    gate("rewritten", pytorch_step(graph))
    return graph


def quantized_reference(
    gate: Gate, graph: GraphModule, arithmetic: Arithmetic
) -> QuantizedReference:
    """Gate a quantized graph on the bundled photos, and return it with its answers.

    Args:
        gate: gate of the compilation.
        graph: the graph that will be lowered.
        arithmetic: arithmetic of the program.
    """
    preprocess = gate.subject.origin.preprocess
    photos = [preprocess(load_image(path)) for path in bundled_photos()]
    inputs = [gate.subject.example, *photos]
    eager = pytorch_step(gate.subject.module)
    reference = QuantizedReference(graph, arithmetic, inputs, [eager(array) for array in inputs])
    gate.quantized(reference)
    return reference


def gate_fidelity(
    gate: Gate,
    reference: QuantizedReference,
    step: Step,
    values: Callable[[torch.Tensor], Values],
) -> None:
    """Compare a program with its quantized graph.

    Args:
        gate: gate of the compilation.
        reference: the graph and its answers.
        step: runs the program.
        values: returns the intermediate values of the program for an input, by node of the graph,
            as far as the target can give them.
    """
    example = torch.from_numpy(gate.subject.example)
    known = values(example)
    answers = [step(array) for array in reference.inputs]
    layers = []
    if known:
        answer = torch.from_numpy(answers[0])
        layers = forced_layers(reference.graph, known, example, answer, reference.arithmetic)
    gate.fidelity(reference, answers, layers)


def measure_layers(
    gate: Gate,
    float_graph: GraphModule,
    quantized_graph: GraphModule,
    calibration: Calibration | None,
) -> tuple[LayerRecord, ...]:
    """Measure the layers of a quantized graph on calibration images or bundled photos."""
    images = calibration or bundled_calibration(gate.subject.origin.preprocess)
    return record_layers(float_graph, quantized_graph, images.inputs[:LAYER_INPUTS])

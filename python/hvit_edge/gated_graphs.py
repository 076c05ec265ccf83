"""The graphs that a compilation makes before it lowers, gated as they come."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch.fx import GraphModule

from hvit_edge.gate import Gate
from hvit_edge.lowering import export_graph, rewrite
from hvit_edge.metadata import LayerRecord
from hvit_edge.parity.layers import record_layers
from hvit_edge.parity.steps import pytorch_step, quantised_step
from hvit_edge.quantize import Calibration, bundled_calibration

LAYER_INPUTS = 16
"""Images that the layers are measured on."""


def rewritten_graph(
    gate: Gate, passes: Sequence[Callable[[GraphModule], None]], tell: Callable[[str], None]
) -> GraphModule:
    """The gate's module as a graph, rewritten by `passes`."""
    subject = gate.subject
    tell("export")
    graph = export_graph(subject.module, (torch.from_numpy(subject.example),))
    gate("exported", pytorch_step(graph))
    tell("rewrite")
    rewrite(graph, passes=passes)
    gate("rewritten", pytorch_step(graph))
    return graph


def measure_layers(
    gate: Gate,
    float_graph: GraphModule,
    quantised_graph: GraphModule,
    calibration: Calibration | None,
) -> tuple[LayerRecord, ...]:
    """Gate a quantised graph, and measure its layers on calibration images or bundled photos."""
    gate("quantised", quantised_step(quantised_graph))
    images = calibration or bundled_calibration(gate.subject.origin.preprocess)
    return record_layers(float_graph, quantised_graph, images.inputs[:LAYER_INPUTS])

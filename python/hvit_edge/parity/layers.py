"""The record of a quantised network's layers: the precision of each, and the noise it carries."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch.fx import GraphModule, Node

from hvit_edge.artifact.metadata import LayerRecord
from hvit_edge.lowering.graph import constant_tensor, is_constant
from hvit_edge.quantize import layer_sqnr
from hvit_edge.quantize.calibration import sample_tensors
from hvit_edge.quantize.layers import find_layers

DTYPES = {torch.int8: "int8", torch.float16: "fp16", torch.float32: "fp32"}


def record_layers(
    float_graph: GraphModule, quantised_graph: GraphModule, inputs: Sequence[np.ndarray]
) -> tuple[LayerRecord, ...]:
    """Measure every layer of a quantised graph, the worst first.

    Args:
        float_graph: a rewritten graph, as `reference_graph` has it in the same precision.
        quantised_graph: what `quantize` made of it.
        inputs: as `Calibration.inputs`.
    """
    precisions = layer_precisions(float_graph, quantised_graph)
    measured = layer_sqnr(float_graph, quantised_graph, list(map(sample_tensors, inputs)))
    records = (
        # Not a number: the layer overflows.
        LayerRecord(
            m.layer, precisions[m.layer], -math.inf if m.sqnr_db != m.sqnr_db else m.sqnr_db
        )
        for m in measured
    )
    return tuple(sorted(records, key=lambda record: record.sqnr_db))


def layer_precisions(float_graph: GraphModule, quantised_graph: GraphModule) -> dict[str, str]:
    """The precision of each layer's weights, by the layer's name."""
    nodes = {node.name: node for node in quantised_graph.graph.nodes}
    return {
        layer.name: _weight_precision(quantised_graph, nodes[layer.node.name].args[1])
        for layer in find_layers(float_graph)
        if layer.node.name in nodes
    }


def _weight_precision(graph: GraphModule, weight: Node) -> str:
    if not is_constant(weight):  # a dequantise operator, which reads the integers
        weight = weight.args[0]
    return DTYPES[constant_tensor(graph, weight).dtype]

"""Record the precision and the noise of each layer of a quantized network."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch.fx import GraphModule, Node

from hvit_edge.artifact.metadata import LayerRecord
from hvit_edge.cache.entry import Entry
from hvit_edge.cache.reuse import Reuse, arrays_digest
from hvit_edge.lowering.graph import constant_tensor, is_constant
from hvit_edge.quantize import layer_sqnr
from hvit_edge.quantize.calibration import CalibrationInput, sample_tensors
from hvit_edge.quantize.layers import find_layers

MEASURED = "measured"
DTYPES = {torch.int8: "int8", torch.float16: "fp16", torch.float32: "fp32"}


def record_layers(
    float_graph: GraphModule,
    quantized_graph: GraphModule,
    inputs: Sequence[CalibrationInput],
    reuse: Reuse | None = None,
) -> tuple[LayerRecord, ...]:
    """Measure every layer of a quantized graph, and return the records, the worst first.

    Args:
        float_graph: a rewritten graph from `reference_graph` for the same precision.
        quantized_graph: the result of `quantize` for it.
        inputs: see `Calibration.inputs`.
        reuse: records that were measured before on the same graphs and inputs.
    """
    reuse = reuse or Reuse()
    digests = [reuse.graph_digest(graph) for graph in (float_graph, quantized_graph)]
    key = reuse.key(*digests, arrays_digest(inputs)) if all(digests) else None
    kept = reuse.read(MEASURED, key, _kept)
    if kept is not None:
        reuse.reused.append(f"measurements of {len(kept)} layers")
        return kept
    precisions = layer_precisions(float_graph, quantized_graph)
    measured = layer_sqnr(float_graph, quantized_graph, list(map(sample_tensors, inputs)))
    records = (
        # NaN means that the layer overflows.
        LayerRecord(
            m.layer, precisions[m.layer], -math.inf if m.sqnr_db != m.sqnr_db else m.sqnr_db
        )
        for m in measured
    )
    found = tuple(sorted(records, key=lambda record: record.sqnr_db))
    reuse.keep(MEASURED, key, Entry([[r.layer, r.precision, r.sqnr_db] for r in found]))
    return found


def _kept(entry: Entry) -> tuple[LayerRecord, ...]:
    value: Any = entry.value
    return tuple(LayerRecord(*row) for row in value)


def layer_precisions(float_graph: GraphModule, quantized_graph: GraphModule) -> dict[str, str]:
    """Return the precision of the weights of each layer, by the name of the layer."""
    nodes = {node.name: node for node in quantized_graph.graph.nodes}
    return {
        layer.name: _weight_precision(quantized_graph, nodes[layer.node.name].args[1])
        for layer in find_layers(float_graph)
        if layer.node.name in nodes
    }


def _weight_precision(graph: GraphModule, weight: Node) -> str:
    if not is_constant(weight):  # a dequantize operator, which reads the integers
        weight = weight.args[0]
    return DTYPES[constant_tensor(graph, weight).dtype]

"""Choose int8 ranges for the inputs of convolutions and linears from calibration images."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from torch.fx import GraphModule, Node

from hvit_edge.cache.entry import Entry
from hvit_edge.cache.reuse import Reuse, arrays_digest
from hvit_edge.progress import Wrap, silent
from hvit_edge.quantize.calibration import CalibrationInput, sample_tensors
from hvit_edge.quantize.layers import Layer, find_layers
from hvit_edge.quantize.precision import takes_int8
from hvit_edge.quantize.ranges import Range, choose_range, observe

RANGES = "ranges"


def activation_ranges(
    graph: GraphModule,
    inputs: Sequence[CalibrationInput],
    progress: Wrap = silent,
    reuse: Reuse | None = None,
) -> dict[Node, Range]:
    """Return the range of each layer's input, by the layer's node; Core ML has one range a tensor.

    Depthwise convolutions and those that read the image stay float, as on XNNPACK.

    Args:
        graph: a graph that was rewritten for Core ML.
        inputs: calibration inputs, see `Calibration.inputs`.
        progress: wraps the loop over the inputs to report its progress.
        reuse: ranges that were chosen before for the same graph and inputs.
    """
    layers = [layer for layer in find_layers(graph) if takes_int8(layer, "int8")]
    reuse = reuse or Reuse()
    digest = reuse.graph_digest(graph)
    key = reuse.key(digest, arrays_digest(inputs)) if digest else None
    found = reuse.read(RANGES, key, partial(_kept, layers))
    if found is not None:
        reuse.reused.append(f"ranges of {len(layers)} layers")
        return found
    examples = list(map(sample_tensors, inputs))
    seen = observe(graph, {layer.source for layer in layers}, examples, progress)
    chosen = {source: choose_range(histogram) for source, histogram in seen.items()}
    found = {layer.node: chosen[layer.source] for layer in layers}
    reuse.keep(RANGES, key, Entry({n.name: [r.scale, r.zero_point] for n, r in found.items()}))
    return found


def _kept(layers: Sequence[Layer], entry: Entry) -> dict[Node, Range]:
    value: Any = entry.value
    return {layer.node: Range(*value[layer.node.name]) for layer in layers}

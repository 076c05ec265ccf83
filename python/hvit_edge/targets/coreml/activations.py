"""Choose int8 ranges for the inputs of convolutions and linears from calibration images."""

from __future__ import annotations

from collections.abc import Sequence

from torch.fx import GraphModule, Node

from hvit_edge.progress import Wrap, silent
from hvit_edge.quantize.calibration import CalibrationInput, sample_tensors
from hvit_edge.quantize.layers import find_layers
from hvit_edge.quantize.precision import takes_int8
from hvit_edge.quantize.ranges import Range, choose_range, observe


def activation_ranges(
    graph: GraphModule, inputs: Sequence[CalibrationInput], progress: Wrap = silent
) -> dict[Node, Range]:
    """Return the range of each layer's input, by the layer's node; Core ML has one range a tensor.

    Depthwise convolutions and those that read the image stay float, as on XNNPACK.

    Args:
        graph: a graph that was rewritten for Core ML.
        inputs: calibration inputs, see `Calibration.inputs`.
        progress: wraps the loop over the inputs to report its progress.
    """
    layers = [layer for layer in find_layers(graph) if takes_int8(layer, "int8")]
    examples = list(map(sample_tensors, inputs))
    seen = observe(graph, {layer.source for layer in layers}, examples, progress)
    chosen = {source: choose_range(histogram) for source, histogram in seen.items()}
    return {layer.node: chosen[layer.source] for layer in layers}

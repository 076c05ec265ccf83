"""Restore the most sensitive layers of an int8 graph to float, chosen by measurement.

    share of layer l = noise of l alone / sum of the noise of all of them

Errors of different layers are nearly independent: without the layers with the largest shares, the
error of the graph is about the rest of the sum.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch.fx import GraphModule, Node

from hvit_edge.lowering.graph import (
    Editor,
    argument,
    aten,
    cleanup,
    constant_tensor,
    module_path,
    nodes_calling,
)
from hvit_edge.quantize.calibration import CalibrationInput, sample_tensors
from hvit_edge.quantize.int8_operators import INT8_OPERATORS
from hvit_edge.quantize.layers import Layer, find_layers
from hvit_edge.quantize.sensitivity import Sensitivity, measure_sensitivity
from hvit_edge.quantize.sqnr import centred_sqnr

LEAST_DB = 20.0
MARGIN_DB = 1.0
"""The search aims for so much more, because shares are estimates."""
MOST_SHARE = 0.5
"""The share of int8 layers that may be float again; beyond it, the graph should not be int8."""
MOST_INPUTS = 8


@dataclass(frozen=True)
class FloatLayers:
    """Says which layers of an int8 graph are float again.

    Attributes:
        before_db: centered SQNR of the answers against the float graph, with all layers int8.
        after_db: the same with `layers` in float.
        layers: the modules whose layers are float again; none if that would not have been enough.
        worst: the modules whose layers lose most, with their shares, if `layers` is empty.
    """

    before_db: float
    after_db: float
    layers: tuple[str, ...]
    worst: tuple[tuple[str, float], ...] = ()

    @property
    def notice(self) -> str:
        """Return a sentence for the report."""
        if self.layers:
            return (
                f"[calibration] int8 in all layers had a centered SQNR of {self.before_db:.1f} dB;"
                f" with {', '.join(self.layers)} in floating point it has {self.after_db:.1f} dB"
            )
        worst = ", ".join(f"{name} ({share:.0%} of the noise)" for name, share in self.worst)
        return (
            f"[calibration] int8 has a centered SQNR of {self.before_db:.1f} dB, below"
            f" {LEAST_DB:.0f} dB, and half of its layers in floating point would not change"
            f" that: {worst} lose most; --precision fp16 or fp32 is closer to the model"
        )


def keep_sensitive_layers(
    reference: GraphModule, quantized: GraphModule, inputs: Sequence[CalibrationInput]
) -> FloatLayers | None:
    """Make layers of `quantized` float if its answers need that, in place.

    Args:
        reference: from `reference_graph`.
        quantized: the result of `quantize` in "int8" or "int8-dynamic".
        inputs: float32 calibration inputs, of which the first 8 are used.

    Returns:
        What was done; None if the answers have `LEAST_DB` already, or depend on no input.
    """
    images = [sample_tensors(sample) for sample in inputs[:MOST_INPUTS]]
    expected = _answers(reference, images)
    before = centred_sqnr(expected, _answers(quantized, images))
    if before >= LEAST_DB or len(images) < 2 or not np.ptp(expected, axis=0).any():
        return None
    layers = _int8_layers(reference, quantized)
    found = sorted(
        measure_sensitivity(reference, list(layers.values()), images, None),
        key=lambda one: -one.noise,
    )
    most = max(1, int(MOST_SHARE * len(found)))
    names = {layer.name: name for name, layer in layers.items()}
    count, trial = _enough(found, before), copy.deepcopy(quantized)
    while count <= most:
        chosen = [names[one.layer] for one in found[:count]]
        _restore(reference, trial, chosen, layers)
        after = centred_sqnr(expected, _answers(trial, images))
        if after >= LEAST_DB:
            _restore(reference, quantized, chosen, layers)
            return FloatLayers(before, after, tuple(_place(layers[name]) for name in chosen))
        count += max(1, most // 4)
    return FloatLayers(before, before, (), _worst(found, names, layers))


def _enough(found: Sequence[Sensitivity], before: float) -> int:
    """Return how many of the noisiest layers must be float so that the rest has `LEAST_DB`."""
    noise = np.array([one.noise for one in found])
    left = noise.sum() * 10 ** ((before - LEAST_DB - MARGIN_DB) / 10)
    return int(np.argmax(noise.sum() - np.cumsum(noise) <= left)) + 1


def _worst(
    found: Sequence[Sensitivity], names: Mapping[str, str], layers: Mapping[str, Layer]
) -> tuple[tuple[str, float], ...]:
    whole = sum(one.noise for one in found) or 1.0
    return tuple((_place(layers[names[one.layer]]), one.noise / whole) for one in found[:3])


def _place(layer: Layer) -> str:
    return module_path(layer.node) or layer.node.name


def _int8_layers(reference: GraphModule, quantized: GraphModule) -> dict[str, Layer]:
    """Return the layers of `reference` that are int8 in `quantized`, by the name of their node."""
    chosen = {node.name for node in nodes_calling(quantized, *INT8_OPERATORS)}
    layers = find_layers(reference)
    return {layer.node.name: layer for layer in layers if layer.node.name in chosen}


def _answers(graph: GraphModule, inputs: Sequence[tuple[torch.Tensor, ...]]) -> np.ndarray:
    with torch.inference_mode():
        results = [graph(*given) for given in inputs]
    outputs = [result[0] if isinstance(result, tuple | list) else result for result in results]
    return torch.cat([output.reshape(1, -1) for output in outputs]).numpy()


def _restore(
    reference: GraphModule,
    quantized: GraphModule,
    names: Sequence[str],
    layers: Mapping[str, Layer],
) -> None:
    for node in list(nodes_calling(quantized, *INT8_OPERATORS)):
        if node.name in names:
            _restore_layer(reference, quantized, node, layers[node.name])
    cleanup(quantized)


def _restore_layer(
    reference: GraphModule, quantized: GraphModule, node: Node, layer: Layer
) -> None:
    edit, original = Editor(quantized, node), layer.node
    weight = edit.constant(str(layer.weight.target), constant_tensor(reference, layer.weight))
    bias = argument(original, 2, "bias")
    if bias is not None:
        bias = edit.constant(str(bias.target), constant_tensor(reference, bias))
    how = {name: value for name, value in original.kwargs.items() if name != "bias"}
    made = edit.call(original.target, node.args[0], weight, bias, *original.args[3:], **how)
    if node.args[4]:
        made = edit.call(aten.relu.default, made)
    node.replace_all_uses_with(made)
    quantized.graph.erase_node(node)

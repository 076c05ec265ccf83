"""Round the weights of layers for calibration inputs, or use those that were rounded before."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch.fx import GraphModule

from hvit_edge.boundary.free_memory import free_memory
from hvit_edge.cache.entry import Entry
from hvit_edge.cache.reuse import Reuse, arrays_digest
from hvit_edge.lowering.graph import constant_tensor
from hvit_edge.progress import Wrap, silent
from hvit_edge.quantize.calibration import Calibration, sample_tensors
from hvit_edge.quantize.lanes import in_lanes
from hvit_edge.quantize.layers import Layer
from hvit_edge.quantize.moments import Moments, ReadOnce, moments_once, rows_read
from hvit_edge.quantize.rounding import mean_error, round_weight, rounding_orders
from hvit_edge.quantize.weights import QuantizedWeight

ROUNDED = "rounded"


@dataclass(frozen=True)
class RoundedLayer:
    """Holds the rounded weights of a layer, and what they add to each output on average.

    Attributes:
        weight: the weights.
        mean_error: float64 [outputs], see `rounding.mean_error`.
    """

    weight: QuantizedWeight
    mean_error: torch.Tensor


def round_layers(
    graph: GraphModule,
    layers: Sequence[Layer],
    moments: Mapping[str, Moments] | ReadOnce,
    progress: Wrap = silent,
) -> dict[str, RoundedLayer]:
    """Round the weights of `layers`, and return them by the name of the layer's node.

    Args:
        graph: the graph of the layers.
        layers: layers of `find_layers(graph)`.
        moments: from `input_moments`. Those of each layer are read once.
        progress: wraps the loop over the layers; those that read the same rows count as one.
    """
    groups: dict[Hashable, list[Layer]] = {}
    for layer in layers:
        groups.setdefault(rows_read(layer), []).append(layer)

    def work(lane: int, group: Sequence[Layer]) -> dict[str, RoundedLayer]:
        return _round_group(graph, group, moments)

    rounded: dict[str, RoundedLayer] = {}
    for found in in_lanes(work, list(groups.values()), progress):
        rounded |= found
    return {layer.node.name: rounded[layer.node.name] for layer in layers}


def _round_group(
    graph: GraphModule, group: Sequence[Layer], moments: Mapping[str, Moments] | ReadOnce
) -> dict[str, RoundedLayer]:
    """Round the weights of layers that read the same rows, such as query, key and value."""
    seen, *_ = [moments[layer.node.name] for layer in group]
    orders = rounding_orders(seen)
    seen = replace(seen, covariance=seen.covariance[:, :0].clone())  # which only orders need
    rounded: dict[str, RoundedLayer] = {}
    for layer in group:
        weight = constant_tensor(graph, layer.weight)
        found = round_weight(weight, seen, orders)
        rounded[layer.node.name] = RoundedLayer(found, mean_error(weight, found, seen))
    return rounded


def rounded_layers(
    graph: GraphModule,
    layers: Sequence[Layer],
    calibration: Calibration,
    reuse: Reuse,
    progress: Wrap = silent,
) -> dict[str, RoundedLayer]:
    """Return the rounded weights of at least `layers`, by the name of the layer's node.

    What a layer reads in the float graph does not depend on which other layers are rounded.
    Therefore "int8-dynamic", whose layers are among those of "int8", uses the weights of "int8".

    Args:
        graph: from `reference_graph`.
        layers: layers of `find_layers(graph)`.
        calibration: the inputs whose errors are small.
        reuse: results of earlier compilations.
        progress: wraps the loops over the inputs and over the layers.
    """
    digest = reuse.graph_digest(graph)
    key = reuse.key(digest, arrays_digest(calibration.inputs)) if digest else None
    found = reuse.read(ROUNDED, key, _layers) or {}
    missing = [layer for layer in layers if layer.node.name not in found]
    if len(missing) < len(layers):
        reuse.reused.append(f"rounded weights of {len(layers) - len(missing)} layers")
    if missing:
        inputs = [sample_tensors(sample) for sample in calibration.inputs]
        moments = moments_once(graph, missing, inputs, progress)
        free_memory()  # rounding takes several times the memory of the widest layer's moments
        found |= round_layers(graph, missing, moments, progress)
        reuse.keep(ROUNDED, key, _entry(found))
    return found


def _entry(layers: Mapping[str, RoundedLayer]) -> Entry:
    tensors: list[torch.Tensor] = []
    for layer in layers.values():
        tensors += [layer.weight.values, layer.weight.scales, layer.mean_error]
    return Entry({"layers": list(layers)}, tuple(tensors))


def _layers(entry: Entry) -> dict[str, RoundedLayer]:
    value: Any = entry.value
    parts = iter(entry.tensors)
    return {
        name: RoundedLayer(QuantizedWeight(next(parts), next(parts)), next(parts))
        for name in value["layers"]
    }

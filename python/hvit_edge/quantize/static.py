"""Quantize convolutions and linears to int8 with ranges that are fixed at calibration."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch.fx import GraphModule, Node

from hvit_edge.lowering.graph import constant_tensor
from hvit_edge.progress import Wrap, silent
from hvit_edge.quantize.insert import insert_range, insert_weight
from hvit_edge.quantize.layers import Layer
from hvit_edge.quantize.ranges import METHODS, choose_range, following_activation, observe
from hvit_edge.quantize.weights import quantize_weight


def quantize_static(
    graph: GraphModule,
    layers: Sequence[Layer],
    inputs: Sequence[tuple[torch.Tensor, ...]],
    *,
    methods: Sequence[str] = METHODS,
    progress: Wrap = silent,
) -> None:
    """Make `layers` read and write int8, in place; operators between them stay float.

    Args:
        graph: a rewritten graph.
        layers: layers of `find_layers(graph)`.
        inputs: calibration inputs, each a tuple of the graph's input tensors.
        methods: the sources of candidate ranges, see `ranges`.
        progress: wraps each pass over `inputs`.
    """
    values = rounded_values(layers)
    histograms = observe(graph, values, inputs, progress)
    for layer in layers:
        insert_weight(graph, layer, quantize_weight(constant_tensor(graph, layer.weight)))
    for value, readers in values.items():
        chosen = choose_range(histograms[value], following_activation(value), methods)
        insert_range(graph, value, chosen, readers)


def rounded_values(layers: Sequence[Layer]) -> dict[Node, list[Node]]:
    """Return each tensor that is rounded, with the nodes that read it rounded.

    The output of a layer is int8 for every reader, because the delegate's kernels write int8. Its
    input stays float for other readers.
    """
    values: dict[Node, list[Node]] = {}
    for layer in layers:
        values.setdefault(layer.source, []).append(layer.node)
    for layer in layers:
        values[layer.output] = list(layer.output.users)
    return values

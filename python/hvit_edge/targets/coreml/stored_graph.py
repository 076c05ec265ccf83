"""Compare a Core ML program with its own quantized graph, run by PyTorch.

The quantized graph is the translated graph with the weights and biases that the program stores, and
for int8 with the ranges of its activations. The weights of the program are compared with the float
weights, layer by layer. Then the program is compared with the graph, as for any other target.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence

import torch
from torch.fx import GraphModule, Node

from hvit_edge.errors import ParityError
from hvit_edge.lowering.graph import (
    Editor,
    argument,
    cleanup,
    constant_tensor,
    is_constant,
    module_path,
)
from hvit_edge.quantize.insert import insert_range
from hvit_edge.quantize.ranges import Range
from hvit_edge.quantize.sqnr import tensor_sqnr
from hvit_edge.targets.coreml.package_values import PackageLayer

WEIGHT_DB = {"fp32": 120.0, "fp16": 60.0, "w8": 25.0, "int8": 25.0, "w6": 15.0, "w4": 6.0}
"""Lowest SQNR of a layer's weights. For wrong or transposed weights it is about -3 dB."""


def stored_graph(
    graph: GraphModule, layers: Sequence[PackageLayer], ranges: Mapping[Node, Range] | None
) -> GraphModule:
    """Return a copy of `graph` with the weights of a program, and inputs rounded to `ranges`.

    A bias is the one that the program stores, if that is the graph's own, rounded to float16. If a
    large bias cancels the sums, its rounding would otherwise count as an error of arithmetic.

    Args:
        graph: the translated graph; it is not changed.
        layers: from `package_layers`.
        ranges: ranges of the inputs of layers for "int8", by node of `graph`; otherwise None.
    """
    twin = copy.deepcopy(graph)
    nodes = {node.name: node for node in twin.graph.nodes}
    for layer in layers:
        node = nodes[layer.node.name]
        stored = Editor(twin, node).constant(f"{node.name}_stored", layer.weight)
        node.update_arg(1, stored)
        _store_bias(twin, node, layer.bias)
        chosen = (ranges or {}).get(layer.node)
        if chosen is not None:
            insert_range(twin, node.args[0], chosen, [node])
    cleanup(twin)
    return twin


def _store_bias(graph: GraphModule, node: Node, stored: torch.Tensor | None) -> None:
    """Let a layer read `stored` if that is its own bias, rounded."""
    bias = argument(node, 2, "bias")
    if stored is None or not is_constant(bias):
        return
    rounded = constant_tensor(graph, bias).half().float()
    if torch.equal(rounded, stored.float().reshape(rounded.shape)):
        node.replace_input_with(bias, Editor(graph, node).constant(f"{node.name}_bias", rounded))


def check_weights(
    model: str, graph: GraphModule, layers: Sequence[PackageLayer], precision: str
) -> None:
    """Compare the weights that a program stores with the weights of its float graph.

    Raises:
        ParityError: the weights of a layer differ by more than rounding. The message names each.
    """
    least = WEIGHT_DB[precision]
    found = [(layer, tensor_sqnr(_weight(graph, layer.node), layer.weight)) for layer in layers]
    faults = [
        f"{module_path(layer.node) or layer.node.name} {noise:.1f} dB"
        for layer, noise in found
        if not noise >= least and bool(layer.weight.any() or _weight(graph, layer.node).any())
    ]
    if faults:
        raise ParityError(
            f"[compile] {model}: expected the package's weights to be those of the model at"
            f" {least:.0f} dB or more, got {', '.join(faults)}; nothing was written; choose another"
            " precision, or report it with the model"
        )


def _weight(graph: GraphModule, node: Node) -> torch.Tensor:
    weight = node.args[1]
    assert is_constant(weight)
    return constant_tensor(graph, weight).float()

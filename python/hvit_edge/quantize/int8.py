"""Make layers multiply int8 by int8, with ranges taken at run time and float results.

    linear(x, w, b)             int8_linear(x, w_int8, scales, b', relu)        a range a token
    conv2d 1x1 (x, w, b)        int8_pointwise(x, w_int8, scales, b', relu)     a range a pixel
    conv2d(x, w, b)             int8_conv2d(x, w_int8, scales, b', relu, ...)   a range an image

b' makes up for the mean error of the rounded weights. A ReLU after the layer becomes part of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch.fx import GraphModule, Node

from hvit_edge.lowering.graph import Editor, constant_tensor
from hvit_edge.quantize.int8_operators import CONV2D, LINEAR, POINTWISE
from hvit_edge.quantize.layers import Layer
from hvit_edge.quantize.rounded_layers import RoundedLayer
from hvit_edge.quantize.weights import QuantizedWeight, quantize_weight


def quantize_int8(
    graph: GraphModule,
    layers: Sequence[Layer],
    rounded: Mapping[str, RoundedLayer] | None = None,
    *,
    share: int = 1,
) -> None:
    """Make `layers` multiply int8 by int8, in place.

    Args:
        graph: a rewritten graph.
        layers: layers of `find_layers(graph)`.
        rounded: their rounded weights, by the name of the node; None rounds each weight to the
            nearest step.
        share: the least number of tokens or pixels that share a range; the next larger divisor of
            their number is used.
    """
    for layer in layers:
        if rounded is None:
            weight = quantize_weight(constant_tensor(graph, layer.weight))
            _replace(graph, layer, weight, layer.bias, share)
            continue
        found = rounded[layer.node.name]
        bias = _corrected_bias(graph, layer, found.mean_error)
        _replace(graph, layer, found.weight, bias, share)


def _corrected_bias(graph: GraphModule, layer: Layer, error: torch.Tensor) -> Node:
    bias = -error if layer.bias is None else constant_tensor(graph, layer.bias).double() - error
    return Editor(graph, layer.node).constant(f"{layer.weight.target}_bias", bias.float())


def _replace(
    graph: GraphModule, layer: Layer, weight: QuantizedWeight, bias: Node | None, share: int
) -> None:
    edit, stem = Editor(graph, layer.node), str(layer.weight.target)
    is_matrix = layer.is_linear or layer.is_pointwise
    rows = _rows(layer, share) if is_matrix else 1
    values = weight.values.flatten(1) if is_matrix else weight.values
    if rows > 1:
        values = values[..., None, None]  # weights of a 1x1 convolution
    relu = layer.output is not layer.node
    arguments: tuple[Any, ...] = (
        layer.source,
        # The delegate serializes integers together with scales, so equal integers must not be
        # shared.
        edit.constant(f"{stem}_int8", values, share=False),
        edit.constant(f"{stem}_scales", weight.scales),
        bias,
        relu,
    )
    if is_matrix:
        operator = LINEAR if layer.is_linear else POINTWISE
        arguments += (rows,)
    else:
        how = layer.geometry
        operator = CONV2D
        arguments += ([*how.stride], [*how.padding], [*how.dilation], how.groups)
    layer.node.target, layer.node.args, layer.node.kwargs = operator, arguments, {}
    if relu:
        layer.output.replace_all_uses_with(layer.node)
        graph.graph.erase_node(layer.output)


def _rows(layer: Layer, share: int) -> int:
    """Return the smallest divisor of the number of rows that is at least `share`."""
    rows = layer.multiply_adds // layer.weight.meta["val"].numel()
    return next(n for n in range(min(share, rows), rows + 1) if rows % n == 0)

"""Insert quantise and dequantise operators in the form that the XNNPACK partitioner takes."""

from __future__ import annotations

import operator

import torch
import torch.ao.quantization.fx._decomposed
from torch.fx import GraphModule, Node

from hvit_edge.lowering.graph import Editor, rank_of, shape_of
from hvit_edge.quantize.layers import Layer
from hvit_edge.quantize.ranges import QMAX, QMIN, Range
from hvit_edge.quantize.weights import LARGEST, QuantizedWeight

ops = torch.ops.quantized_decomposed
INT8 = torch.int8
SMALLEST_STEP = 2.0**-30


def insert_weight(graph: GraphModule, layer: Layer, weight: QuantizedWeight) -> None:
    """Let `layer` read int8 weights through a dequantise operator.

    linear(x, w)        linear(x, dequantize_per_channel(w_int8, scales))
    """
    edit = Editor(graph, layer.node)
    stem = str(layer.weight.target)
    dequantized = edit.call(
        ops.dequantize_per_channel.default,
        edit.constant(f"{stem}_int8", weight.values),
        edit.constant(f"{stem}_scales", weight.scales),
        edit.constant(f"{stem}_zero_points", torch.zeros(len(weight.scales), dtype=torch.int64)),
        0,
        -LARGEST,
        LARGEST,
        INT8,
    )
    layer.node.update_arg(1, dequantized)


def insert_range(graph: GraphModule, value: Node, chosen: Range, readers: list[Node]) -> None:
    """Let `readers` of `value` see it rounded to `chosen`.

        value -> reader     value -> quantize -> dequantize -> reader

    Each reader has a dequantise operator of its own, because the delegate takes them together.
    """
    arguments = (chosen.scale, chosen.zero_point, QMIN, QMAX, INT8)
    edit = Editor(graph, value.next)
    quantized = edit.call(ops.quantize_per_tensor.default, value, *arguments)
    for reader in readers:
        edit = Editor(graph, reader)
        reader.replace_input_with(
            value, edit.call(ops.dequantize_per_tensor.default, quantized, *arguments)
        )


def insert_dynamic_range(graph: GraphModule, layer: Layer) -> None:
    """Let `layer` read its input rounded with ranges taken at run time.

        x -> layer      x -> choose_qparams -> quantize -> dequantize -> layer

    A linear has a range for each row, a convolution one for the image. Each layer has operators of
    its own: the delegate takes them together, and a shared chain would split the graph. A matrix
    gets a leading dimension: what pools a map would else hand its layout to the rounded tensor.
    """
    edit, x = Editor(graph, layer.node), layer.source
    if rank_of(x) == 2:
        x = edit.reshape(x, [1, *shape_of(x)])
        _restore_rank(graph, layer.node)
    if layer.is_linear:
        chosen = edit.call(ops.choose_qparams_per_token_asymmetric.default, x, INT8)
        ends = (QMIN, QMAX, INT8)
        quantize, dequantize = ops.quantize_per_token.default, ops.dequantize_per_token.default
        dequantized_to = (torch.float32,)
    else:
        chosen = edit.call(ops.choose_qparams.tensor, x, QMIN, QMAX, SMALLEST_STEP, INT8)
        ends = (QMIN, QMAX, INT8)
        quantize, dequantize = ops.quantize_per_tensor.tensor, ops.dequantize_per_tensor.tensor
        dequantized_to = ()
    scale, zero_point = (edit.call(operator.getitem, chosen, i) for i in (0, 1))
    quantized = edit.call(quantize, x, scale, zero_point, *ends)
    arguments = (quantized, scale, zero_point, *ends, *dequantized_to)
    layer.node.update_arg(0, edit.call(dequantize, *arguments))


def _restore_rank(graph: GraphModule, node: Node) -> None:
    """Let `node` have a leading dimension, and its users a view without."""
    shape, users = shape_of(node), list(node.users)
    node.meta["val"] = node.meta["val"].unsqueeze(0)
    restored = Editor(graph, node.next).reshape(node, shape)
    for user in users:
        user.replace_input_with(node, restored)

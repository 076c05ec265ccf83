"""Insert quantize and dequantize operators in the form that the XNNPACK partitioner accepts."""

from __future__ import annotations

import torch
import torch.ao.quantization.fx._decomposed
from torch.fx import GraphModule, Node

from hvit_edge.lowering.graph import Editor
from hvit_edge.quantize.layers import Layer
from hvit_edge.quantize.ranges import QMAX, QMIN, Range
from hvit_edge.quantize.weights import LARGEST, QuantizedWeight

ops = torch.ops.quantized_decomposed
INT8 = torch.int8


def insert_weight(graph: GraphModule, layer: Layer, weight: QuantizedWeight) -> None:
    """Make `layer` read int8 weights through a dequantize operator.

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
    """Make `readers` of `value` read it rounded to `chosen`.

        value -> reader     value -> quantize -> dequantize -> reader

    Each reader gets a dequantize operator of its own, because the delegate fuses the two.
    """
    arguments = (chosen.scale, chosen.zero_point, QMIN, QMAX, INT8)
    edit = Editor(graph, value.next)
    quantized = edit.call(ops.quantize_per_tensor.default, value, *arguments)
    for reader in readers:
        edit = Editor(graph, reader)
        reader.replace_input_with(
            value, edit.call(ops.dequantize_per_tensor.default, quantized, *arguments)
        )

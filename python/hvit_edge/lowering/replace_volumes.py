"""Replace 3-D convolutions with sums of 2-D convolutions.

Identity:   conv3d(x, W)[d] = sum over i of conv2d(x[s d + e i], W[i]),   stride s, dilation e

    x [N, C, D, H, W] -> conv3d(k) -> y
    x -> permute, reshape -> [pad] -> k times slice -> reshape [N D, C, H, W] -> conv2d -> sum
      -> reshape, permute -> y

Preconditions: constant weights and a batch dimension. Convolutions along one dimension of which the
kernel has size one, a stride of one and no padding, are left alone. Exact up to the order of sums.
The number of convolutions is the smallest of the kernel's sizes.
"""

from __future__ import annotations

import math

from torch.fx import GraphModule, Node

from hvit_edge.lowering.graph import (
    Editor,
    argument,
    aten,
    constant_tensor,
    is_constant,
    nodes_calling,
    rank_of,
    repeated,
    shape_of,
)

OPTIONS = ((3, "stride", 1), (4, "padding", 0), (5, "dilation", 1))


def replace_volumes(graph: GraphModule) -> bool:
    """Apply the rewrite. Return True if it changed the graph."""
    modified = False
    for node in nodes_calling(graph, aten.conv3d.default):
        if not is_constant(node.args[1]) or rank_of(node.args[0]) != 5:
            continue
        sizes = shape_of(node.args[1])[2:]
        options = [repeated(argument(node, *option), 3) for option in OPTIONS]
        stride, padding, _ = options
        if (1, 1, 0) in zip(sizes, stride, padding, strict=True):
            continue
        edit = Editor(graph, node)
        edit.replace(_sum(edit, node, sizes.index(min(sizes)), options))
        modified = True
    return modified


def _sum(edit: Editor, node: Node, along: int, options: list[list[int]]) -> Node:
    """Return the sum of the convolutions for each place of the kernel along one dimension."""
    stride, padding, dilation = (numbers[along] for numbers in options)
    across = [[n for d, n in enumerate(numbers) if d != along] for numbers in options]
    order = [0, 2 + along, 1, *(2 + d for d in range(3) if d != along)]
    moved = edit.permute(node.args[0], order)
    batch, length, *plane = shape_of(moved)
    rows = edit.reshape(moved, [batch, length, math.prod(plane)])
    if padding:
        rows = edit.call(aten.constant_pad_nd.default, rows, [0, 0, padding, padding], 0.0)
    shape = shape_of(node)
    count = shape[2 + along]
    kernels = constant_tensor(edit.graph, node.args[1]).unbind(2 + along)
    total = None
    for place, kernel in enumerate(kernels):
        start = place * dilation
        part = edit.call(
            aten.slice.Tensor, rows, 1, start, start + stride * (count - 1) + 1, stride
        )
        maps = edit.reshape(part, [batch * count, *plane])
        weight = edit.constant(f"{node.name}_weight", kernel)
        bias = argument(node, 2, "bias") if total is None else None
        groups = argument(node, 6, "groups", 1)
        made = edit.call(aten.conv2d.default, maps, weight, bias, *across, groups)
        total = made if total is None else edit.call(aten.add.Tensor, total, made)
    apart = edit.reshape(total, [shape[dim] for dim in order])
    return edit.permute(apart, [order.index(dim) for dim in range(5)])

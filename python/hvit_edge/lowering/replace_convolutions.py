"""Replace 1-D convolutions, and some 3-D ones, with 2-D convolutions.

Identity:   a dimension along which the kernel has size one can be part of the batch

    x [N, C, L] -> conv1d(k) -> y
    x -> reshape [N, C, 1, L] -> conv2d(1, k) -> reshape -> y

    x [N, C, D, H, W] -> conv3d(1, h, w) -> y
    x -> permute -> reshape [N D, C, H, W] -> conv2d(h, w) -> reshape -> permute -> y

Preconditions: constant weights and a batch dimension. For 3-D, one dimension has a kernel of size
one, a stride of one and no padding. Exact up to the order of summation. XNNPACK has only 2-D
convolutions.
"""

from __future__ import annotations

from torch.fx import GraphModule, Node

from hvit_edge.lowering.graph import (
    Editor,
    argument,
    aten,
    constant_tensor,
    first,
    is_constant,
    nodes_calling,
    rank_of,
    repeated,
    shape_of,
)

ROWS = (aten.conv1d.default, aten.conv1d.padding)
TRANSPOSED = aten.conv_transpose1d.default
VOLUMES = aten.conv3d.default


def replace_convolutions(graph: GraphModule) -> bool:
    """Apply the rewrite. Return True if it changed the graph."""
    modified = False
    for node in nodes_calling(graph, *ROWS, TRANSPOSED, VOLUMES):
        if not is_constant(node.args[1]) or rank_of(node.args[0]) != rank_of(node.args[1]):
            continue
        edit = Editor(graph, node)
        replacement = (_volume if node.target is VOLUMES else _row)(edit, node)
        if replacement is not None:
            edit.replace(replacement)
            modified = True
    return modified


def _row(edit: Editor, node: Node) -> Node:
    batch, channels, length = shape_of(node.args[0])
    plane = edit.reshape(node.args[0], [batch, channels, 1, length])
    kernel = constant_tensor(edit.graph, node.args[1]).unsqueeze(2)
    weight = edit.constant(f"{node.name}_weight", kernel)
    bias = argument(node, 2, "bias")
    stride = [1, first(argument(node, 3, "stride", 1))]
    padding = argument(node, 4, "padding", 0)
    if node.target is TRANSPOSED:
        options = (
            [0, first(padding)],
            [0, first(argument(node, 5, "output_padding", 0))],
            argument(node, 6, "groups", 1),
            [1, first(argument(node, 7, "dilation", 1))],
        )
        result = edit.call(aten.conv_transpose2d.input, plane, weight, bias, stride, *options)
        return edit.reshape(result, shape_of(node))
    dilation = first(argument(node, 5, "dilation", 1))
    groups = argument(node, 6, "groups", 1)
    if node.target is aten.conv1d.padding:
        operator = aten.conv2d.padding
    else:
        operator, padding = aten.conv2d.default, [0, first(padding)]
    result = edit.call(operator, plane, weight, bias, stride, padding, [1, dilation], groups)
    return edit.reshape(result, shape_of(node))


def _volume(edit: Editor, node: Node) -> Node | None:
    source, sizes = node.args[0], shape_of(node.args[1])[2:]
    stride, padding, dilation = (
        repeated(argument(node, place, name, default), 3)
        for place, name, default in ((3, "stride", 1), (4, "padding", 0), (5, "dilation", 1))
    )
    alone = [d for d in range(3) if (sizes[d], stride[d], padding[d]) == (1, 1, 0)]
    if not alone:
        return None
    others = [d for d in range(3) if d != alone[0]]
    batch, channels, *lengths = shape_of(source)
    order = [0, 2 + alone[0], 1, *(2 + d for d in others)]
    maps = edit.reshape(
        edit.permute(source, order),
        [batch * lengths[alone[0]], channels, *(lengths[d] for d in others)],
    )
    kernel = constant_tensor(edit.graph, node.args[1]).squeeze(2 + alone[0])
    weight = edit.constant(f"{node.name}_weight", kernel)
    options = [[numbers[d] for d in others] for numbers in (stride, padding, dilation)]
    groups = argument(node, 6, "groups", 1)
    bias = argument(node, 2, "bias")
    result = edit.call(aten.conv2d.default, maps, weight, bias, *options, groups)
    shape = shape_of(node)
    apart = edit.reshape(result, [shape[dim] for dim in order])
    return edit.permute(apart, [order.index(dim) for dim in range(5)])

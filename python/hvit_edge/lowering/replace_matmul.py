"""Replace matmul with a linear or a three-dimensional bmm.

Identity:   matmul(a, b)[i..., :, :] = a[i..., :, :] b[i..., :, :]

    a [..., n, k], constant b [k, m]    matmul(a, b)      linear(a, b^T)
    constant a [n, k], b [..., k, m]    matmul(a, b)      permute -> linear(b^T, a) -> permute
    a [i..., n, k], b [i..., k, m]      matmul(a, b)      reshape both -> bmm -> reshape
    a [i..., n, k], b [1..., k, m]      matmul(a, b)      reshape a [1, i n, k] -> bmm -> reshape
    a, b of other leading dimensions    matmul(a, b)      mul(ones) -> the third
    x, computed w and b                 linear(x, w, b)   matmul(x, w^T) -> add(b)

A vector is treated as a matrix of one row or column.

Preconditions: floating point. Exact up to the order of summation. XNNPACK multiplies tensors of
rank three. The default decomposition expands both operands first, which no delegate accepts.
"""

import math

import torch
from torch.fx import GraphModule, Node

from hvit_edge.lowering.graph import (
    Editor,
    argument,
    aten,
    constant_tensor,
    is_constant,
    nodes_calling,
    rank_of,
    shape_of,
)
from hvit_edge.lowering.replace_repeats import stretched


def replace_matmul(graph: GraphModule) -> bool:
    """Apply the rewrite. Return True if it changed the graph."""
    modified = _replace_computed_weights(graph)
    for node in nodes_calling(graph, aten.matmul.default, aten.mm.default):
        if not node.meta["val"].dtype.is_floating_point:
            continue
        left, right = node.args
        edit = Editor(graph, node)
        if rank_of(left) == 1:
            left = edit.reshape(left, [1, *shape_of(left)])
        if rank_of(right) == 1:
            right = edit.reshape(right, [*shape_of(right), 1])
        edit.replace(edit.reshape(_product(edit, left, right), shape_of(node)))
        modified = True
    return modified


def _replace_computed_weights(graph: GraphModule) -> bool:
    modified = False
    for node in nodes_calling(graph, aten.linear.default):
        weight, bias = node.args[1], argument(node, 2, "bias")
        if is_constant(weight) or rank_of(weight) != 2:
            continue
        edit = Editor(graph, node)
        product = edit.call(aten.matmul.default, node.args[0], edit.permute(weight, [1, 0]))
        edit.replace(product if bias is None else edit.call(aten.add.Tensor, product, bias))
        modified = True
    return modified


def _product(edit: Editor, left: Node, right: Node) -> Node:
    """Multiply matrices of any leading dimensions.

    The result may lack leading dimensions of length one.
    """
    before, after = shape_of(left)[:-2], shape_of(right)[:-2]
    if is_constant(right) and rank_of(right) == 2:
        weight = constant_tensor(edit.graph, right).t()
        return edit.call(aten.linear.default, left, edit.constant(right.name, weight))
    if math.prod(after) == 1:
        return _batched(edit, left, right, [1], math.prod(before) * shape_of(left)[-2])
    if is_constant(left) and math.prod(before) == 1:
        return _from_left(edit, constant_tensor(edit.graph, left), right)
    batch = list(torch.broadcast_shapes(before, after))
    left_side, right_side = (_stretched(edit, side, batch) for side in (left, right))
    return _batched(edit, left_side, right_side, batch, shape_of(left)[-2])


def _stretched(edit: Editor, side: Node, batch: list[int]) -> Node:
    shape = shape_of(side)
    same_rank = [1] * (len(batch) + 2 - len(shape)) + shape
    return stretched(edit, edit.reshape(side, same_rank), [*batch, *shape[-2:]])


def _batched(edit: Editor, left: Node, right: Node, batch: list[int], rows: int) -> Node:
    inner, columns, count = shape_of(left)[-1], shape_of(right)[-1], math.prod(batch)
    product = edit.call(
        aten.bmm.default,
        edit.reshape(left, [count, rows, inner]),
        edit.reshape(right, [count, inner, columns]),
    )
    if batch == [1]:
        return product
    return edit.reshape(product, [*batch, rows, columns])


def _from_left(edit: Editor, left: torch.Tensor, right: Node) -> Node:
    """Multiply a constant matrix by each of several matrices."""
    order = list(range(rank_of(right)))
    order[-2:] = reversed(order[-2:])
    weight = edit.constant(f"{right.name}_factor", left.reshape(left.shape[-2:]))
    product = edit.call(aten.linear.default, edit.permute(right, order), weight)
    return edit.permute(product, order)

"""Lower linear layers, joined tensors, cumulative sums and resized maps to operations."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
from torch.fx import Node

from hvit_edge.lowering.graph import argument, aten, shape_of
from hvit_edge.targets.native import operations as ops
from hvit_edge.targets.native.emitter import Emitter, refuse, row_axis
from hvit_edge.targets.native.lower_convolutions import layer_weights
from hvit_edge.targets.native.lower_matmul import multiply
from hvit_edge.targets.native.operations import Epilogue
from hvit_edge.targets.native.values import Value, constant_value, fresh

MOST_SUMMED = 1024
"""The most values of a cumulative sum; its matrix has the square of that."""


def lower_linear(emit: Emitter, node: Node) -> None:
    source = emit.with_rows(emit.value(node.args[0]), -1, node)
    weights, bias = layer_weights(emit, node)
    output = fresh(shape_of(node), -1)
    emit.put(node, ops.Linear(source.rows(-1), weights, Epilogue(bias, output.rows(-1))), output)


def lower_cat(emit: Emitter, node: Node) -> None:
    parts = [part for part in node.args[0] if math.prod(shape_of(part))]
    axis = row_axis([emit.values[part] for part in parts])
    emit.join(node, parts, fresh(shape_of(node), axis))


def lower_stack(emit: Emitter, node: Node) -> None:
    """Lower a stack: write each part into its place along a new dimension."""
    shape = tuple(shape_of(node))
    dim = argument(node, 1, "dim", 0) % len(shape)
    axis = row_axis([emit.values[part] for part in node.args[0]]) if len(shape) > 1 else 0
    whole = fresh(shape, axis + (axis >= dim) if len(shape) > 1 else 0)
    for i, part in enumerate(node.args[0]):
        there = Value(whole.buffer, np.take(whole.places, i, axis=dim))
        emit.bring(node, part, there, axis)
    emit.values[node] = whole


def along(emit: Emitter, node: Node, value: Value, axis: int, matrix: np.ndarray) -> Value:
    """Multiply `value` by `matrix` [new, old] along `axis`; `node` becomes the result."""
    rows = row_axis([value])
    others = [dim for dim in range(value.places.ndim) if dim not in (axis, rows)]
    order = [*others, axis] if rows == axis else [*others, axis, rows]
    places = value.places.transpose(order)
    columns = 1 if rows == axis else value.shape[rows]
    right = Value(value.buffer, places.reshape(-1, value.shape[axis], columns))
    operation, output = multiply(emit, node, constant_value(matrix), right)
    shape = [*(value.shape[dim] for dim in others), len(matrix)]
    shape += [] if rows == axis else [columns]
    places = output.places.reshape(shape).transpose(np.argsort(order))
    emit.put(node, operation, Value(output.buffer, places))
    return emit.value(node)


def lower_cumulative_sum(emit: Emitter, node: Node) -> None:
    """Lower a cumulative sum as a product with a lower triangular matrix of ones."""
    value = emit.value(node.args[0])
    axis = argument(node, 1, "dim") % value.places.ndim
    length = value.shape[axis]
    if length > MOST_SUMMED:
        raise refuse(node, f"a cumulative sum of {length} values")
    emit.values[node] = along(emit, node, value, axis, np.tri(length))


def lower_resize(emit: Emitter, node: Node) -> None:
    """Lower a resize along each side in turn, with a matrix that the operator computes."""
    value = emit.value(node.args[0])
    sizes = zip(value.shape[2:], shape_of(node)[2:], strict=True)
    for side, (old, new) in enumerate(sizes):
        matrix = _resizing(node, side, old, new)
        if not np.array_equal(matrix, np.eye(old)):
            value = along(emit, node, value, side + 2, matrix)
    emit.values[node] = value


def _resizing(node: Node, side: int, old: int, new: int) -> np.ndarray:
    """Return the float64 matrix [new, old] of a resize along one side, with the node's scale."""
    rank = len(shape_of(node)) - 2
    units = torch.eye(old, dtype=torch.float64).reshape(1, old, *([1] * (rank - 1)), old)
    align = bool(argument(node, 2, "align_corners", False))
    scales = argument(node, 3, "scale_factors") if node.target in SCALED else None
    if scales:
        ones = [1.0] * (rank - 1)
        resized = node.target(units, None, align, [*ones, float(scales[side])])
    else:
        resized = node.target(units, [1] * (rank - 1) + [new], align, None)
    return resized.reshape(old, new).T.numpy()


SCALED = (
    aten.upsample_bilinear2d.vec,
    aten.upsample_bicubic2d.vec,
    aten.upsample_linear1d.vec,
    aten._upsample_bilinear2d_aa.vec,
    aten._upsample_bicubic2d_aa.vec,
)
"""The resizes that may be given by scale factors."""


LOWERINGS: dict[object, Callable[[Emitter, Node], None]] = {
    aten.linear.default: lower_linear,
    aten.cat.default: lower_cat,
    aten.stack.default: lower_stack,
    aten.cumsum.default: lower_cumulative_sum,
    **dict.fromkeys(SCALED, lower_resize),
}

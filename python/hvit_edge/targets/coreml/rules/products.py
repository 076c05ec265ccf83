"""Translate linears, and products of matrices with any batch."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from coremltools.converters.mil import Builder as mb

from hvit_edge.lowering.graph import aten
from hvit_edge.targets.coreml.layout import Axis, Factor, Layout, joined
from hvit_edge.targets.coreml.moves import MAX_PLAIN, broadcast, permuted, viewed, with_ones
from hvit_edge.targets.coreml.rules.registry import Call, rule
from hvit_edge.targets.coreml.values import Value, align, plain, tokens


@rule(aten.linear.default)
def linear(call: Call) -> Value:
    """Translate a linear to a convolution: y[b, o, ...] is the sum of W[o, c] x[b, c, ...].

    The kernel has one pixel. With computed weights, the linear is a product of matrices.
    """
    x = call.tensor(0)
    if not call.tensor(1, "weight").is_constant:
        return _computed_linear(call, x)
    tokens(x)
    weight, bias = call.array(1, "weight"), call.optional_array(2, "bias")
    kernel = weight[:, :, None, None]
    added = {} if bias is None else {"bias": bias}
    y = mb.conv(x=call.rounded(x.data), weight=kernel, pad_type="valid", **added)
    channels = (Factor(weight.shape[0]),) if weight.shape[0] > 1 else ()
    array = x.layout.array
    return Value(y, Layout((*x.layout.logical[:-1], channels), (array[0], channels, *array[2:])))


def _computed_linear(call: Call, x: Value) -> Value:
    weight, bias = call.tensor(1, "weight"), call.optional_tensor(2, "bias")
    y = product(x, permuted(weight, [1, 0]), call.shape)
    return y if bias is None else _sum(y, bias)


def _sum(one: Value, other: Value) -> Value:
    align(one, other)
    return Value(mb.add(x=one.data, y=other.data), one.layout)


@rule(aten.matmul.default, aten.bmm.default, aten.mm.default, aten.mv.default, aten.dot.default)
def matmul(call: Call) -> Value:
    """Multiply in plain order; a vector is a matrix of one row or column."""
    return product(call.tensor(0), call.tensor(1), call.shape)


@rule(aten.addmm.default, aten.baddbmm.default)
def matmul_and_add(call: Call) -> Value:
    """Compute beta * input + alpha * (left right)."""
    added, left, right = (call.tensor(at) for at in range(3))
    alpha, beta = call.node.kwargs.get("alpha", 1), call.node.kwargs.get("beta", 1)
    y = product(left, right, call.shape)
    if alpha != 1:
        y = Value(mb.mul(x=y.data, y=np.float32(alpha)), y.layout)
    if beta == 0:
        return y
    if beta != 1:
        added = Value(mb.mul(x=added.data, y=np.float32(beta)), added.layout)
    return _sum(y, added)


@rule(aten.cumsum.default)
def cumulative_sum(call: Call) -> Value:
    """Multiply by a lower triangular matrix of ones, in float32 also if the sums are integers."""
    x = call.tensor(0)
    dim = call.option(1, "dim") % len(x.layout.logical)
    counts = not call.node.meta["val"].is_floating_point()
    if counts:
        x = Value(mb.cast(x=x.data, dtype="fp32"), x.layout)
    sums = along(x, dim, np.tri(x.layout.shape[dim]))
    return Value(mb.cast(x=sums.data, dtype="int32"), sums.layout) if counts else sums


def product(left: Value, right: Value, shape: Sequence[int]) -> Value:
    """Return the product [.., n, m] of [.., n, k] and [.., k, m], in plain order.

    Args:
        left: the left factor; its leading dimensions broadcast, and a vector has none.
        right: the right factor, likewise.
        shape: the shape of the result.
    """
    if len(left.layout.logical) == 1:
        left = with_ones(left, 2)
    if len(right.layout.logical) == 1:
        right = viewed(right, [*right.layout.shape, 1])
    if max(len(left.layout.logical), len(right.layout.logical)) > MAX_PLAIN:
        return viewed(_of_many(left, right), shape)
    plain(left)
    plain(right)
    y = mb.matmul(x=left.data, y=right.data)
    return viewed(Value(y, Layout.plain(y.shape)), shape)


def _of_many(left: Value, right: Value) -> Value:
    """Return a product with more than five dimensions: the leading ones become one axis."""
    lead = np.broadcast_shapes(left.layout.shape[:-2], right.layout.shape[:-2])
    sides = []
    for value in (left, right):
        whole = broadcast(value, [*lead, *value.layout.shape[-2:]])
        value = Value(whole.data, whole.layout)
        value.arrange(_matrices(value.layout.logical))
        sides.append(value)
    y = mb.matmul(x=sides[0].data, y=sides[1].data)
    columns = (Factor(y.shape[2]),) if y.shape[2] > 1 else ()
    rows = (Factor(y.shape[1]),) if y.shape[1] > 1 else ()
    logical = (*sides[0].layout.logical[:-2], rows, columns)
    return Value(y, Layout(logical, _matrices(logical)))


def _matrices(logical: Sequence[Axis]) -> tuple[Axis, ...]:
    return (joined(logical[:-2]), *logical[-2:])


def along(x: Value, dim: int, matrix: np.ndarray) -> Value:
    """Return `matrix` [new, old] times `x` along dimension `dim`."""
    shape, (new, old) = list(x.layout.shape), matrix.shape
    rank = len(shape)
    if dim == rank - 1:
        rows = viewed(x, [math.prod(shape[:-1]), old]) if rank > 4 else x
        y = product(rows, Value.constant(np.float32(matrix.T)), [*rows.layout.shape[:-1], new])
        return viewed(y, [*shape[:-1], new])
    inner = math.prod(shape[dim + 1 :])
    outer = shape[:dim] if dim + 2 <= 4 else [math.prod(shape[:dim])]
    planes = viewed(x, [*outer, old, inner])
    y = product(Value.constant(np.float32(matrix)), planes, [*outer, new, inner])
    return viewed(y, [*shape[:dim], new, *shape[dim + 1 :]])

"""Lower sums, means, extremes, norms, variances and softmax over any dimensions to operations."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from torch.fx import Node

from hvit_edge.lowering.graph import argument, aten, shape_of
from hvit_edge.targets.native import operations as ops
from hvit_edge.targets.native.emitter import Emitter, refuse, row_axis
from hvit_edge.targets.native.general_operations import Reduction, Softmax
from hvit_edge.targets.native.kinds import Arithmetic, Function, Reduce
from hvit_edge.targets.native.values import Value, fresh

NORMS = {2.0: Reduce.ROOT, 1.0: Reduce.SUM, math.inf: Reduce.MAXIMUM, -math.inf: Reduce.MINIMUM}


def reduce(
    emit: Emitter,
    node: Node,
    value: Value,
    dims: Sequence[int],
    kind: Reduce,
    *,
    scale: float = 1.0,
    eps: float = 0.0,
) -> Value:
    """Reduce `value` over `dims`, which are kept with size one; `node` becomes the result."""
    axis = row_axis([value])
    value = emit.with_rows(value, axis, node)
    rank = value.places.ndim
    kept = [dim for dim in range(rank) if dim not in dims and dim != axis]
    reduced = [dim for dim in dims if dim != axis]
    across = axis in dims
    ordered = Value(value.buffer, value.places.transpose(*kept, *reduced, axis))
    width = 1 if across else value.shape[axis]
    groups = [value.shape[dim] for dim in kept]
    output = fresh((*groups, width))
    count = math.prod(value.shape[dim] for dim in reduced)
    operation = Reduction(
        kind, across, scale, eps, count, ordered.rows(-1), output.rows(output.places.ndim - 1)
    )
    places = output.places.reshape(*groups, *[1] * len(reduced), width)
    result = Value(output.buffer, places.transpose(np.argsort([*kept, *reduced, axis])))
    emit.put(node, operation, result)
    return Value(result.buffer, result.places)


def dims_of(node: Node, dims: int | Sequence[int] | None, rank: int) -> list[int]:
    """Return the dimensions that an argument names: one, several, or all."""
    if dims is None or dims == []:
        return list(range(rank))
    return sorted({dim % rank for dim in ([dims] if isinstance(dims, int) else dims)})


def _finish(emit: Emitter, node: Node) -> None:
    """Remove the reduced dimensions from the value of `node` if its shape does not keep them."""
    value = emit.values[node]
    emit.values[node] = Value(value.buffer, value.places.reshape(shape_of(node)), value.source)


def _source(emit: Emitter, node: Node) -> Value:
    value = emit.value(node.args[0])
    return value if value.places.ndim else Value(value.buffer, value.places.reshape(1))


def lower_mean(emit: Emitter, node: Node) -> None:
    source = _source(emit, node)
    rank = source.places.ndim
    dims = dims_of(node, argument(node, 1, "dim"), rank)
    kept = [axis for axis in range(1, rank) if axis not in dims]
    if 0 not in dims and len(kept) == 1:
        _mean_of_rows(emit, node, source, dims, kept[0])
        return
    count = math.prod(source.shape[dim] for dim in dims)
    reduce(emit, node, source, dims, Reduce.SUM, scale=1 / count)
    _finish(emit, node)


def _mean_of_rows(emit: Emitter, node: Node, source: Value, dims: list[int], kept: int) -> None:
    """Compute the mean over all dimensions except the first and one other."""
    source = emit.with_rows(source, kept, node)
    groups, count = source.shape[0], math.prod(source.shape[dim] for dim in dims)
    means = fresh((groups, source.shape[kept]))
    output = Value(means.buffer, means.places.reshape(shape_of(node)))
    emit.put(node, ops.Mean(source.rows(kept), count, means.rows(-1)), output)


def lower_reduction(kind: Reduce) -> Callable[[Emitter, Node], None]:
    """Return the lowering of a reduction over the dimensions of its second argument."""

    def lower(emit: Emitter, node: Node) -> None:
        source = _source(emit, node)
        dims = dims_of(node, argument(node, 1, "dim"), source.places.ndim)
        reduce(emit, node, source, dims, kind)
        _finish(emit, node)

    return lower


def lower_extreme_with_index(kind: Reduce) -> Callable[[Emitter, Node], None]:
    """Return the lowering of max or min over one dimension; their indices must not be used."""

    def lower(emit: Emitter, node: Node) -> None:
        items = [user for user in node.users if user.users]
        if any(item.args[1] != 0 for item in items):
            raise refuse(node, "the indices of the largest values")
        source = emit.value(node.args[0])
        dims = dims_of(node, argument(node, 1, "dim"), source.places.ndim)
        for item in items:
            reduce(emit, item, source, dims, kind)
            _finish(emit, item)

    return lower


def takes_norm(node: Node) -> bool:
    """Return True if `lower_norm` takes the order of a norm."""
    return _order(node) in NORMS


def _order(node: Node) -> float:
    order = argument(node, 1, "p" if node.target is aten.norm.ScalarOpt_dim else "ord", 2)
    return float(2 if order is None else order)


def lower_norm(emit: Emitter, node: Node) -> None:
    """Lower a norm of order 1, 2, inf or -inf."""
    order = _order(node)
    if order not in NORMS:
        raise refuse(node, f"a norm of order {order:g}")
    source = _source(emit, node)
    dims = dims_of(node, argument(node, 2, "dim"), source.places.ndim)
    if order != 2:
        emit.apply(node, node.args[0], Function.ABS)
        source = emit.value(node)
    reduce(emit, node, source, dims, NORMS[order])
    _finish(emit, node)


def lower_variance(emit: Emitter, node: Node) -> None:
    """Lower the variance, with a correction of the count, or the standard deviation."""
    source = _source(emit, node)
    dims = dims_of(node, argument(node, 1, "dim"), source.places.ndim)
    correction = node.kwargs.get("correction")
    if node.target in (aten.var.dim, aten.std.dim):
        correction = int(argument(node, 2, "unbiased", True))
    count = math.prod(source.shape[dim] for dim in dims)
    correction = 1 if correction is None else correction
    if count <= correction:
        raise refuse(node, f"a variance of {count} values")
    center(emit, node, source, dims)
    rooted = node.target in (aten.std.dim, aten.std.correction)
    kind = Reduce.ROOT if rooted else Reduce.SQUARES
    reduce(emit, node, emit.value(node), dims, kind, scale=1 / (count - correction))
    _finish(emit, node)


def center(emit: Emitter, node: Node, value: Value, dims: Sequence[int]) -> Value:
    """Return `value` minus its mean over `dims`; `node` becomes the result."""
    count = math.prod(value.shape[dim] for dim in dims)
    reduce(emit, node, value, dims, Reduce.SUM, scale=1 / count)
    emit.calculate(node, Arithmetic.SUBTRACT, value, emit.value(node))
    return emit.value(node)


def lower_softmax(emit: Emitter, node: Node) -> None:
    """Lower softmax or its logarithm over one dimension."""
    value = emit.value(node.args[0])
    axis = node.args[1] % value.places.ndim
    soften(emit, node, value, axis, log=node.target in LOGARITHMS)


def soften(emit: Emitter, node: Node, value: Value, axis: int, *, log: bool = False) -> Value:
    """Compute the softmax of `value` over `axis`; `node` becomes the result."""
    rows = emit.with_rows(value, axis, node).rows(axis)
    output = fresh(value.shape, axis)
    emit.put(node, Softmax(log, rows, output.rows(axis)), output)
    return output


LOGARITHMS = (aten.log_softmax.int, aten._log_softmax.default)

LOWERINGS = {
    aten.mean.dim: lower_mean,
    aten.mean.default: lower_mean,
    aten.sum.dim_IntList: lower_reduction(Reduce.SUM),
    aten.sum.default: lower_reduction(Reduce.SUM),
    aten.amax.default: lower_reduction(Reduce.MAXIMUM),
    aten.amin.default: lower_reduction(Reduce.MINIMUM),
    aten.max.dim: lower_extreme_with_index(Reduce.MAXIMUM),
    aten.min.dim: lower_extreme_with_index(Reduce.MINIMUM),
    aten.linalg_vector_norm.default: lower_norm,
    aten.norm.ScalarOpt_dim: lower_norm,
    aten.var.correction: lower_variance,
    aten.var.dim: lower_variance,
    aten.std.correction: lower_variance,
    aten.std.dim: lower_variance,
    aten.softmax.int: lower_softmax,
    aten._softmax.default: lower_softmax,
    **dict.fromkeys(LOGARITHMS, lower_softmax),
}

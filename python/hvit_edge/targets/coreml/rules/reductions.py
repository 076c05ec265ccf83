"""Translate sums, means, extremes and norms over any dimensions."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from coremltools.converters.mil import Builder as mb
from coremltools.converters.mil.mil import Var

from hvit_edge.lowering.graph import aten
from hvit_edge.targets.coreml.layout import Layout, joined
from hvit_edge.targets.coreml.moves import MAX_PLAIN
from hvit_edge.targets.coreml.rules.registry import Call, rule
from hvit_edge.targets.coreml.values import Value, align, channels_first

Reduce = Callable[..., Var]
OVER_SEVERAL: dict[object, Reduce] = {
    aten.mean.default: mb.reduce_mean,
    aten.mean.dim: mb.reduce_mean,
    aten.sum.default: mb.reduce_sum,
    aten.sum.dim_IntList: mb.reduce_sum,
    aten.amax.default: mb.reduce_max,
    aten.amin.default: mb.reduce_min,
    aten.max.default: mb.reduce_max,
    aten.min.default: mb.reduce_min,
    aten.logsumexp.default: mb.reduce_log_sum_exp,
    aten.prod.default: mb.reduce_prod,
    aten.prod.dim_int: mb.reduce_prod,
}
OVER_ALL = (
    aten.mean.default,
    aten.sum.default,
    aten.max.default,
    aten.min.default,
    aten.prod.default,
)
WITH_PLACES = {
    aten.max.dim: (mb.reduce_max, mb.reduce_argmax),
    aten.min.dim: (mb.reduce_min, mb.reduce_argmin),
}
PLACES = {aten.argmax.default: mb.reduce_argmax, aten.argmin.default: mb.reduce_argmin}
NORMS = {2.0: mb.reduce_l2_norm, 1.0: mb.reduce_l1_norm}
VARIANCES = (aten.var.correction, aten.var.dim, aten.std.correction, aten.std.dim)


def reduced(x: Value, dims: Sequence[int], keep: bool, operator: Reduce) -> Value:
    """Return `x` reduced over any dimensions; those longer than one get axes of their own."""
    rank = len(x.layout.logical)
    dims = sorted({dim % rank for dim in dims}) if rank else []
    long = [dim for dim in dims if x.layout.shape[dim] > 1]
    if any(x.layout.find(dim) is None for dim in long):
        _part(x, dims)
    gone = {factor for dim in dims for factor in x.layout.logical[dim]}
    axes = [at for at, axis in enumerate(x.layout.array) if axis and gone.issuperset(axis)]
    y = operator(x=x.data, axes=axes, keep_dims=True) if axes else _alone(x, operator)
    logical = [() if dim in dims else axis for dim, axis in enumerate(x.layout.logical)]
    logical = [axis for dim, axis in enumerate(logical) if keep or dim not in dims]
    array = tuple(() if at in axes else axis for at, axis in enumerate(x.layout.array))
    return Value(y, Layout(tuple(logical), array))


def _part(x: Value, dims: Sequence[int]) -> None:
    """Give the dimensions to reduce axes that hold nothing else."""
    logical = x.layout.logical
    if len(logical) <= MAX_PLAIN:
        channels_first(x)
        return
    kept = joined(axis for dim, axis in enumerate(logical) if dim not in dims)
    x.arrange((kept, joined(logical[dim] for dim in dims)))


def _alone(x: Value, operator: Reduce) -> Var:
    """Reduce one element: the result is the element, or its absolute value for norms."""
    if operator in NORMS.values():
        return mb.abs(x=x.data)
    return x.data


def dims_of(call: Call, dims: Any) -> list[int]:
    """Return the dimensions that an argument names: one, several, or all."""
    rank = len(call.tensor(0).layout.logical)
    if dims is None or dims == []:
        return list(range(rank))
    return [dim % max(rank, 1) for dim in ([dims] if isinstance(dims, int) else dims)]


@rule(*OVER_SEVERAL)
def reduce(call: Call) -> Value:
    """Reduce over the dimensions that are named, or over all."""
    if call.node.kwargs.get("dtype") not in (None, call.node.args[0].meta["val"].dtype):
        raise ValueError("expected the dtype of the input")
    whole = call.node.target in OVER_ALL
    dims = None if whole else call.option(1, "dim")
    keep = not whole and bool(call.option(2, "keepdim", False))
    x = call.tensor(0)
    if call.node.args[0].meta["val"].dtype is torch.bool:  # which sums count
        x = Value(mb.cast(x=x.data, dtype="int32"), x.layout)
    return reduced(x, dims_of(call, dims), keep, OVER_SEVERAL[call.node.target])


@rule(*WITH_PLACES)
def reduce_with_places(call: Call) -> tuple[Value, Value]:
    """Return the largest or smallest elements along a dimension, and their places."""
    extreme, place = WITH_PLACES[call.node.target]
    dims, keep = dims_of(call, call.option(1, "dim")), call.option(2, "keepdim", False)
    x = call.tensor(0)
    found = reduced(x, dims, keep, extreme)
    is_used = any(user.args[1] == 1 and user.users for user in call.node.users)
    return found, reduced(x, dims, keep, _first_axis(place)) if is_used else found


@rule(*PLACES)
def find_extreme(call: Call) -> Value:
    """Return the place of the largest or smallest element along a dimension, in 32 bits."""
    dim, keep = call.option(1, "dim"), call.option(2, "keepdim", False)
    x = call.tensor(0)
    if dim is None:
        raise ValueError("expected a dim to search along")
    return reduced(x, dims_of(call, dim), keep, _first_axis(PLACES[call.node.target]))


def _first_axis(operator: Reduce) -> Reduce:
    def reduce_one(x: Var, axes: list[int], keep_dims: bool) -> Var:
        return operator(x=x, axis=axes[0], keep_dims=keep_dims)

    return reduce_one


@rule(aten.linalg_vector_norm.default, aten.norm.ScalarOpt_dim)
def vector_norm(call: Call) -> Value:
    """Compute a norm of any order but zero."""
    name = "p" if call.node.target is aten.norm.ScalarOpt_dim else "ord"
    order = call.option(1, name, 2)
    order = float(2 if order is None else order)
    dims, keep = dims_of(call, call.option(2, "dim")), call.option(3, "keepdim", False)
    x = call.tensor(0)
    if order in NORMS:
        return reduced(x, dims, keep, NORMS[order])
    if order == 0:
        raise ValueError("expected a norm of another order than 0, which counts")
    if abs(order) != math.inf:
        powers = Value(mb.pow(x=mb.abs(x=x.data), y=np.float32(order)), x.layout)
        total = reduced(powers, dims, keep, mb.reduce_sum)
        return Value(mb.pow(x=total.data, y=np.float32(1 / order)), total.layout)
    operator = mb.reduce_max if order > 0 else mb.reduce_min
    return reduced(Value(mb.abs(x=x.data), x.layout), dims, keep, operator)


@rule(*VARIANCES)
def variance(call: Call) -> Value:
    """Compute the variance, or its root, with a correction of the count."""
    x = call.tensor(0)
    dims = dims_of(call, call.option(1, "dim"))
    correction = call.node.kwargs.get("correction", 1)
    if call.node.target in (aten.var.dim, aten.std.dim):
        correction = int(call.option(2, "unbiased", True))
    correction = 1 if correction is None else correction
    keep = call.node.kwargs.get("keepdim", False) or call.option(3, "keepdim", False)
    y = spread(x, dims, keep, correction)
    rooted = call.node.target in (aten.std.correction, aten.std.dim)
    return Value(mb.sqrt(x=y.data), y.layout) if rooted else y


@rule(aten.var_mean.correction)
def variance_and_mean(call: Call) -> tuple[Value, Value]:
    """Compute the variance and the mean."""
    x, dims = call.tensor(0), dims_of(call, call.option(1, "dim"))
    correction = call.node.kwargs.get("correction", 1)
    keep = call.node.kwargs.get("keepdim", False)
    average = reduced(x, dims, keep, mb.reduce_mean)
    return spread(x, dims, keep, 1 if correction is None else correction), average


def spread(x: Value, dims: Sequence[int], keep: bool, correction: float) -> Value:
    """Return the variance of `x` over `dims`."""
    count = math.prod(x.layout.shape[dim] for dim in dims)
    if count <= correction:
        raise ValueError(f"expected a variance of more than {correction} elements, got {count}")
    average = reduced(x, dims, True, mb.reduce_mean)
    align(x, average)
    centered = mb.sub(x=x.data, y=average.data)
    squares = Value(mb.square(x=centered), x.layout)
    y = reduced(squares, dims, keep, mb.reduce_mean)
    factor = count / (count - correction)
    return y if factor == 1 else Value(mb.mul(x=y.data, y=np.float32(factor)), y.layout)


@rule(aten.adaptive_avg_pool2d.default, aten.adaptive_avg_pool1d.default)
def pool_whole_map(call: Call) -> Value:
    """Pool to one pixel as the mean of the map, or by windows, see `pools`."""
    from hvit_edge.targets.coreml.rules.pools import adaptive_average

    size = call.option(1, "output_size")
    count = 2 if call.node.target is aten.adaptive_avg_pool2d.default else 1
    if list(size) == [1] * count:
        return reduced(call.tensor(0), list(range(-count, 0)), True, mb.reduce_mean)
    return adaptive_average(call, list(size))

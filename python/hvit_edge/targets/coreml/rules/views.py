"""Views, slices, concatenations and averages: most only change what is known of the array."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from coremltools.converters.mil import Builder as mb

from hvit_edge.lowering.graph import aten
from hvit_edge.targets.coreml.layout import Axis, Factor, Layout
from hvit_edge.targets.coreml.rules.registry import Call, rule
from hvit_edge.targets.coreml.values import Value, channels_first, plain


@rule(aten.permute.default)
def permute(call: Call) -> Value:
    """Moves nothing."""
    x = call.tensor(0)
    rank = len(x.layout.logical)
    return Value(x.data, x.layout.permuted([dim % rank for dim in call.option(1, "dims")]))


@rule(aten.reshape.default, aten.view.default, aten.unsqueeze.default, aten.squeeze.dims)
def reshape(call: Call) -> Value:
    """Moves nothing unless the new dimensions cut across the old ones."""
    x = call.tensor(0)
    layout = x.layout.reshaped(call.shape)
    if layout is not None:
        return Value(x.data, layout)
    plain(x)
    return Value(mb.reshape(x=x.data, shape=call.shape), Layout.plain(call.shape))


@rule(aten.slice.Tensor)
def slice_(call: Call) -> Value:
    """Along the one axis of the array that is that dimension."""
    x = call.tensor(0)
    dim = call.option(1, "dim", 0) % len(x.layout.logical)
    length, step = x.layout.shape[dim], call.option(4, "step", 1)
    start, stop = (
        _bound(call.option(2, "start"), 0, length),
        _bound(call.option(3, "end"), length, length),
    )
    if (start, stop, step) == (0, length, 1):
        return Value(x.data, x.layout)
    axis = own_axis(x, dim)
    rank = len(x.layout.array)
    begin, end, stride = [0] * rank, list(x.layout.array_shape), [1] * rank
    begin[axis], end[axis], stride[axis] = start, stop, step
    y = mb.slice_by_index(
        x=x.data,
        begin=begin,
        end=end,
        stride=stride,
        begin_mask=[at != axis for at in range(rank)],
        end_mask=[at != axis for at in range(rank)],
    )
    return Value(y, _with_length(x.layout, dim, axis, call.shape[dim]))


@rule(aten.cat.default)
def concatenate(call: Call) -> Value:
    """All in the order of the first, which has an axis of its own for that dimension."""
    values = [call.values[node] for node in call.node.args[0]]
    rank = len(values[0].layout.logical)
    dim = call.option(1, "dim", 0) % rank
    for value in values:
        channels_first(value)
    axes = [_place(value.layout, dim) for value in values]
    orders = {tuple(v.layout.find(at) for at in range(rank) if at != dim) for v in values}
    if len(set(axes)) > 1 or len(orders) > 1:
        for value in values:
            plain(value)
        axes = [dim]
    y = mb.concat(values=[value.data for value in values], axis=axes[0])
    return Value(y, _with_length(values[0].layout, dim, axes[0], call.shape[dim]))


@rule(aten.pad.default, aten.constant_pad_nd.default)
def pad(call: Call) -> Value:
    """With one value around any dimensions; each must be an axis of its own."""
    x, amounts = call.tensor(0), list(call.option(1, "pad"))
    constant = call.node.target is aten.constant_pad_nd.default
    if not constant and call.option(2, "mode", "constant") != "constant":
        raise ValueError("padding with a constant")
    value = call.option(2 if constant else 3, "value") or 0.0
    pairs = dict(zip(range(-1, -1 - len(amounts) // 2, -1), _in_pairs(amounts), strict=True))
    rank = len(x.layout.logical)
    padded = {dim % rank: pair for dim, pair in pairs.items() if pair != (0, 0)}
    channels_first(x)
    axes = {_place(x.layout, dim): pair for dim, pair in padded.items()}
    ends = [end for at in range(len(x.layout.array)) for end in axes.get(at, (0, 0))]
    y = mb.pad(x=x.data, pad=ends, mode="constant", constant_val=np.float32(value))
    layout = x.layout
    for dim in padded:
        layout = _with_length(layout, dim, _place(layout, dim), call.shape[dim])
    return Value(y, layout)


def _in_pairs(amounts: list[int]) -> list[tuple[int, int]]:
    return list(zip(amounts[::2], amounts[1::2], strict=True))


@rule(aten.adaptive_avg_pool2d.default)
def pool_whole_map(call: Call) -> Value:
    """To one pixel: the mean of the map."""
    if list(call.option(1, "output_size")) != [1, 1]:
        raise ValueError("pooling to one pixel")
    return _mean(call.tensor(0), [-2, -1], keep=True)


@rule(aten.mean.dim)
def mean(call: Call) -> Value:
    """Over any dimensions that are axes of their own."""
    return _mean(call.tensor(0), call.option(1, "dim"), keep=call.option(2, "keepdim", False))


def _mean(x: Value, dims: Sequence[int] | None, *, keep: bool) -> Value:
    rank = len(x.layout.logical)
    dims = sorted(dim % rank for dim in dims or range(rank))
    if any(x.layout.find(dim) is None for dim in dims if x.layout.shape[dim] > 1):
        channels_first(x)
    gone = [x.layout.logical[dim] for dim in dims]
    axes = [axis for axis, factors in enumerate(x.layout.array) if factors and factors in gone]
    y = mb.reduce_mean(x=x.data, axes=axes, keep_dims=True) if axes else x.data
    logical = [() if dim in dims else axis for dim, axis in enumerate(x.layout.logical)]
    logical = [axis for dim, axis in enumerate(logical) if keep or dim not in dims]
    array = tuple(() if at in axes else axis for at, axis in enumerate(x.layout.array))
    return Value(y, Layout(tuple(logical), array))


def own_axis(x: Value, dim: int) -> int:
    """The axis of the array that is dimension `dim`; rearranged where there is none."""
    if x.layout.find(dim) is None:
        channels_first(x)
    return _place(x.layout, dim)


def _place(layout: Layout, dim: int) -> int:
    """The axis of dimension `dim` in an array with one axis for each dimension."""
    found = layout.find(dim)
    if found is not None:
        return found
    # Size 1: between the axes of its neighbours. `channels_first` puts tokens last.
    others = {layout.find(d) for d in range(len(layout.logical)) if d != dim}
    free = [at for at, axis in enumerate(layout.array) if not axis and at not in others]
    return free[-1] if dim else free[0]


def _bound(given: int | None, default: int, length: int) -> int:
    """A bound of a slice as a place between 0 and `length`."""
    if given is None:
        return default
    return max(0, min(given + length if given < 0 else given, length))


def _with_length(layout: Layout, dim: int, axis: int, length: int) -> Layout:
    """The layout after dimension `dim`, which is `axis` of the array, got another length."""
    new: Axis = (Factor(length),) if length > 1 else ()
    logical = (*layout.logical[:dim], new, *layout.logical[dim + 1 :])
    return Layout(logical, (*layout.array[:axis], new, *layout.array[axis + 1 :]))

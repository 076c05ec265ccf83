"""View, slice and join tensors while a graph is translated; most functions only change layouts.

Each function reads and returns a `Value`. No array gets more than five axes.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence

import numpy as np
from coremltools.converters.mil import Builder as mb

from hvit_edge.targets.coreml.layout import Axis, Factor, Layout, joined
from hvit_edge.targets.coreml.values import Value, channels_first, plain

MAX_PLAIN = 5
FEWEST_TAKEN = 4
"""Up to so many slices are used instead of a gather."""


def viewed(x: Value, shape: Sequence[int]) -> Value:
    """Return `x` in another shape.

    Nothing moves unless the dimensions cut across the old ones.
    """
    layout = x.layout.reshaped(shape)
    if layout is not None:
        return Value(x.data, layout)
    plain(x)
    layout = Layout.folded(shape)
    if x.is_constant:
        return Value(x.data.reshape(layout.array_shape), layout)
    return Value(mb.reshape(x=x.data, shape=layout.array_shape), layout)


def permuted(x: Value, order: Sequence[int]) -> Value:
    """Return the dimensions of `x` in another order; nothing moves."""
    return Value(x.data, x.layout.permuted(order))


def with_ones(x: Value, rank: int) -> Value:
    """Return `x` with leading dimensions of size one, so that it has `rank` dimensions."""
    missing = ((),) * (rank - len(x.layout.logical))
    return Value(x.data, Layout((*missing, *x.layout.logical), x.layout.array))


def own_axis(x: Value, dim: int) -> int:
    """Return the axis of the array that is dimension `dim`; rearrange `x` if there is none."""
    if x.layout.find(dim) is None:
        if len(x.layout.logical) > MAX_PLAIN:
            logical = x.layout.logical
            x.arrange((joined(logical[:dim]), logical[dim], joined(logical[dim + 1 :])))
            return 1
        channels_first(x)
    return place(x.layout, dim)


def place(layout: Layout, dim: int) -> int:
    """Return the axis of dimension `dim` in an array with one axis for each dimension."""
    found = layout.find(dim)
    if found is not None:
        return found
    # A dimension of size 1 is between the axes of its neighbors. `channels_first` puts tokens last.
    others = {layout.find(d) for d in range(len(layout.logical)) if d != dim}
    free = [at for at, axis in enumerate(layout.array) if not axis and at not in others]
    return free[-1] if dim else free[0]


def with_length(layout: Layout, dim: int, axis: int, length: int) -> Layout:
    """Return the layout after dimension `dim`, which is `axis` of the array, got another length."""
    new: Axis = (Factor(length),) if length > 1 else ()
    logical = (*layout.logical[:dim], new, *layout.logical[dim + 1 :])
    return Layout(logical, (*layout.array[:axis], new, *layout.array[axis + 1 :]))


def sliced(x: Value, dim: int, start: int, stop: int, step: int = 1) -> Value:
    """Return the part of `x` from `start` to `stop` along dimension `dim`, which gets
    its own axis.
    """
    length = x.layout.shape[dim]
    if (start, stop, step) == (0, length, 1):
        return x
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
    return Value(y, with_length(x.layout, dim, axis, len(range(start, stop, step))))


def concatenated(values: Sequence[Value], dim: int) -> Value:
    """Return the concatenation along `dim`, in the array order of the first value."""
    if len(values) == 1:
        return values[0]
    rank = len(values[0].layout.logical)
    if rank > MAX_PLAIN:
        for value in values:
            logical = value.layout.logical
            value.arrange((joined(logical[:dim]), logical[dim], joined(logical[dim + 1 :])))
        axes = [1]
    else:
        axes = _common_axes(values, dim)
    y = mb.concat(values=[value.data for value in values], axis=axes[0])
    length = sum(value.layout.shape[dim] for value in values)
    return Value(y, with_length(values[0].layout, dim, axes[0], length))


def _common_axes(values: Sequence[Value], dim: int) -> list[int]:
    rank = len(values[0].layout.logical)
    for value in values:
        channels_first(value)
    axes = [place(value.layout, dim) for value in values]
    orders = {tuple(v.layout.find(at) for at in range(rank) if at != dim) for v in values}
    if len(set(axes)) > 1 or len(orders) > 1:
        for value in values:
            plain(value)
        return [dim]
    return axes


def expanded(x: Value, dim: int, length: int) -> Value:
    """Return `x` with dimension `dim`, which has size one, repeated `length` times."""
    if x.layout.shape[dim] == length:
        return x
    if x.is_constant:
        plain(x)
        array = x.data.reshape(x.layout.shape).repeat(length, dim)
        return Value.constant(array)
    axis = own_axis(x, dim)
    reps = [length if at == axis else 1 for at in range(len(x.layout.array))]
    y = mb.tile(x=x.data, reps=reps)
    return Value(y, with_length(x.layout, dim, axis, length))


def broadcast(x: Value, shape: Sequence[int]) -> Value:
    """Return `x` expanded to `shape`, as PyTorch broadcasts."""
    x = with_ones(x, len(shape))
    for dim, length in enumerate(shape):
        if x.layout.shape[dim] != length:
            x = expanded(x, dim, length)
    return x


def tiled(x: Value, dim: int, times: int) -> Value:
    """Return `x` repeated as a block along dimension `dim`."""
    length = x.layout.shape[dim]
    if times == 1:
        return x
    axis = own_axis(x, dim)
    reps = [times if at == axis else 1 for at in range(len(x.layout.array))]
    return Value(mb.tile(x=x.data, reps=reps), with_length(x.layout, dim, axis, times * length))


def interleaved(x: Value, dim: int, times: int) -> Value:
    """Return `x` with each element along dimension `dim` repeated."""
    shape = list(x.layout.shape)
    apart = viewed(x, [*shape[: dim + 1], 1, *shape[dim + 1 :]])
    shape[dim] *= times
    return viewed(expanded(apart, dim + 1, times), shape)


def turned(x: Value, dim: int) -> Value:
    """Return `x` reversed along dimension `dim`."""
    axis = own_axis(x, dim)  # before x.data is read, which this may rearrange
    return Value(mb.reverse(x=x.data, axes=[axis]), x.layout)


def taken(x: Value, dim: int, indices: np.ndarray) -> Value:
    """Return the elements of `x` at the places `indices` [n] along dimension `dim`.

    A few runs of places are taken by slices, more by a gather.
    """
    runs = list(itertools.islice(_slices(indices.tolist()), FEWEST_TAKEN + 1))
    if len(runs) <= FEWEST_TAKEN:
        parts = [_run(x, dim, run) for run in runs]
        return concatenated(parts, dim) if len(parts) > 1 else parts[0]
    axis = own_axis(x, dim)
    y = mb.gather(x=x.data, indices=indices.astype(np.int32), axis=axis)
    return Value(y, with_length(x.layout, dim, axis, len(indices)))


def _run(x: Value, dim: int, run: range) -> Value:
    if run.step < 0:
        last = run[-1]
        return turned(_run(x, dim, range(last, run[0] + 1, -run.step)), dim)
    return sliced(x, dim, run.start, run[-1] + 1, run.step)


def _slices(indices: Sequence[int]) -> Iterator[range]:
    """Yield the longest runs of indices with a fixed step, in order."""
    start = 0
    while start < len(indices):
        step = indices[start + 1] - indices[start] if start + 1 < len(indices) else 1
        if step == 0:  # each repeated element is a slice
            step = 1
        end = start + 1
        while end < len(indices) and indices[end] - indices[end - 1] == step:
            end += 1
        first = indices[start]
        yield range(first, first + (end - start) * step, step)
        start = end


def stacked(values: Sequence[Value], dim: int) -> Value:
    """Return tensors of one shape stacked along a new dimension."""
    parts = []
    for value in values:
        shape = list(value.layout.shape)
        parts.append(viewed(value, [*shape[:dim], 1, *shape[dim:]]))
    return concatenated(parts, dim)


def rows(x: Value, count: int) -> None:
    """Arrange `x` in place, with one axis for all dimensions but the last `count`, and these after
    it.
    """
    logical = x.layout.logical
    x.arrange((joined(logical[: len(logical) - count]), *logical[len(logical) - count :]))


def elements(shape: Sequence[int]) -> int:
    """Return the number of elements of a tensor of `shape`."""
    return math.prod(shape)

"""Lower padding: the tensor is written to the middle of a larger one, and the border is filled.

    [before | tensor | after]   along each padded dimension, the last one first

If possible, the operation that computes the tensor writes it there, so that padding costs only the
border.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch.fx import Node

from hvit_edge.lowering.graph import argument, aten, shape_of
from hvit_edge.targets.native.emitter import Emitter, refuse, row_axis
from hvit_edge.targets.native.lower_views import places_as_given
from hvit_edge.targets.native.values import Buffer, Space, Value, fresh


def lower_pad(emit: Emitter, node: Node) -> None:
    mode = argument(node, 2, "mode", "constant") if node.target is aten.pad.default else "constant"
    if mode != "constant":
        places_as_given(emit, node)
        return
    number = _number(node)
    before, after = _widths(node)
    if min(*before, *after) < 0:
        _cut(emit, node, before, after, number)
        return
    source = node.args[0]
    axis = row_axis([emit.values[source]])
    whole = fresh(shape_of(node), axis)
    middle = tuple(
        slice(low, size - high) for low, high, size in zip(before, after, whole.shape, strict=True)
    )
    emit.bring(node, source, Value(whole.buffer, whole.places[middle]), axis)
    for places in _borders(whole.places, middle):
        emit.copy(node, _filled(places.shape, axis, number), Value(whole.buffer, places), axis)
    emit.values[node] = whole


def pad_with(
    emit: Emitter, node: Node, value: Value, widths: Sequence[tuple[int, int]], number: float
) -> Value:
    """Return a copy of `value` in a border of `number`, with a width before and after each
    dimension.
    """
    shape = [low + size + high for size, (low, high) in zip(value.shape, widths, strict=True)]
    axis = row_axis([value])
    whole = fresh(shape, axis)
    middle = tuple(slice(low, size - high) for (low, high), size in zip(widths, shape, strict=True))
    there = Value(whole.buffer, whole.places[middle])
    emit.copy(node, emit.with_rows(value, axis, node), there, axis)
    for places in _borders(whole.places, middle):
        emit.copy(node, _filled(places.shape, axis, number), Value(whole.buffer, places), axis)
    return whole


def _cut(emit: Emitter, node: Node, before: list[int], after: list[int], number: float) -> None:
    """Lower padding with negative widths: take a view, and pad that by the other widths."""
    value = emit.value(node.args[0])
    inside = tuple(
        slice(max(-low, 0), size - max(-high, 0))
        for low, high, size in zip(before, after, value.shape, strict=True)
    )
    left = Value(value.buffer, value.places[inside])
    widths = [(max(low, 0), max(high, 0)) for low, high in zip(before, after, strict=True)]
    emit.values[node] = pad_with(emit, node, left, widths, number) if np.any(widths) else left


def _number(node: Node) -> float:
    """Return the number that fills the border."""
    position = 3 if node.target is aten.pad.default else 2
    number = float(argument(node, position, "value") or 0)
    if math.isnan(number):
        raise refuse(node, f"padding with {number}")
    return number


def _widths(node: Node) -> tuple[list[int], list[int]]:
    """Return the widths before and after each dimension; torch gives pairs, last
    dimension first.
    """
    pairs = list(node.args[1])
    rank = len(shape_of(node))
    missing = [0] * (rank - len(pairs) // 2)
    return missing + pairs[::2][::-1], missing + pairs[1::2][::-1]


def _borders(places: np.ndarray, middle: tuple[slice, ...]) -> Iterator[np.ndarray]:
    """Yield the places around the middle; each dimension's border is inside earlier ones."""
    for dim, inside in enumerate(middle):
        for side in (slice(0, inside.start), slice(inside.stop, None)):
            chosen = (*middle[:dim], side)
            border = places[chosen]
            if border.size:
                yield border


def _filled(shape: tuple[int, ...], axis: int, number: float) -> Value:
    """Return a value in which every row is one constant row."""
    width = shape[axis]
    row = Buffer(width, Space.CONSTANTS, np.full(width, number, np.float32))
    along = np.arange(width).reshape([-1 if dim == axis else 1 for dim in range(len(shape))])
    return Value(row, np.broadcast_to(along, shape))


def lower_unfold(emit: Emitter, node: Node) -> None:
    """Lower the windows of a map as columns: a view of the map with zeros around it."""
    value = emit.value(node.args[0])
    if value.places.ndim != 4:
        raise refuse(node, "windows of an image without a batch")
    kernel, dilation, padding, steps = node.args[1:5]
    if any(padding):
        widths = [(0, 0), (0, 0), *((width, width) for width in padding)]
        value = pad_with(emit, node, value, widths, 0.0)
    places = torch.from_numpy(np.ascontiguousarray(value.places)).double()
    columns = node.target(places, kernel, dilation, [0, 0], steps)
    emit.values[node] = Value(value.buffer, columns.numpy().astype(value.places.dtype))


def lower_fold(emit: Emitter, node: Node) -> None:
    """Lower a map that is the sum of the windows that cover each pixel.

    There is one view for each window that may cover a pixel. Zeros around the columns stand for
    windows that do not cover it.
    """
    size, kernel, dilation, padding, steps = node.args[1:6]
    sides = [
        _covering(*numbers) for numbers in zip(size, kernel, dilation, padding, steps, strict=True)
    ]
    value = emit.value(node.args[0])
    grid = [windows for _, _, windows in sides]
    images = value.shape[0] if value.places.ndim == 3 else 1
    places = value.places.reshape(images, -1, *kernel, *grid)
    widths = [(0, 0)] * 4 + [(1, 1), (1, 1)]
    columns = pad_with(emit, node, Value(value.buffer, places), widths, 0.0)
    (rows, tops, _), (across, lefts, _) = sides
    terms = [
        Value(columns.buffer, columns.places[:, :, i[:, None], j, y[:, None], x])
        for i, y in zip(rows, tops, strict=True)
        for j, x in zip(across, lefts, strict=True)
    ]
    emit.values[node] = terms[0]
    for term in terms[1:]:
        emit.combine(node, emit.value(node), term)
    found = emit.values[node]
    shaped = found.places.reshape(shape_of(node))
    emit.values[node] = Value(found.buffer, shaped, found.source)


def _covering(
    size: int, kernel: int, dilation: int, padding: int, step: int
) -> tuple[np.ndarray, np.ndarray, int]:
    """Return the windows that cover each position along one side of a map.

    Returns:
        The tap and the window, each int64 [most windows of a position, size], and the number of
        windows. Windows count from one; zero is no window.
    """
    count = (size + 2 * padding - dilation * (kernel - 1) - 1) // step + 1
    found: list[list[tuple[int, int]]] = []
    for place in range(padding, padding + size):
        reached = ((tap, place - tap * dilation) for tap in range(kernel))
        windows = [(tap, *divmod(start, step)) for tap, start in reached]
        found.append([(tap, w + 1) for tap, w, over in windows if over == 0 and 0 <= w < count])
    most = max(1, *map(len, found))
    table = np.array([pairs + [(0, 0)] * (most - len(pairs)) for pairs in found], np.int64)
    return table[..., 0].T, table[..., 1].T, count


LOWERINGS = {
    aten.col2im.default: lower_fold,
    aten.im2col.default: lower_unfold,
    aten.pad.default: lower_pad,
    aten.constant_pad_nd.default: lower_pad,
}

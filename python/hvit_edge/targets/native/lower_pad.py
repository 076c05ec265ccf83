"""How padding becomes operations: the tensor goes into the middle, and what is around it is filled.

    [before | tensor | after]   along each padded dimension, the last one first

What wrote the tensor writes it there where it can, so that padding costs its border alone.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from torch.fx import Node

from hvit_edge.lowering.graph import argument, aten, shape_of
from hvit_edge.targets.native.emitter import Emitter, refuse, row_axis
from hvit_edge.targets.native.values import Buffer, Space, Value, fresh


def lower_pad(emit: Emitter, node: Node) -> None:
    number = _number(node)
    before, after = _widths(node)
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


def _number(node: Node) -> float:
    """That the border is filled with."""
    if node.target is aten.pad.default:
        mode = argument(node, 2, "mode", "constant")
        if mode != "constant":
            raise refuse(node, f"padding by {mode}")
        number = argument(node, 3, "value")
    else:
        number = argument(node, 2, "value")
    number = float(number or 0)
    if not math.isfinite(number):
        raise refuse(node, f"padding with {number}")
    return number


def _widths(node: Node) -> tuple[list[int], list[int]]:
    """Before and after each dimension; torch gives pairs, those of the last dimension first."""
    pairs = list(node.args[1])
    if min(pairs) < 0:
        raise refuse(node, "padding that cuts off")
    rank = len(shape_of(node))
    missing = [0] * (rank - len(pairs) // 2)
    return missing + pairs[::2][::-1], missing + pairs[1::2][::-1]


def _borders(places: np.ndarray, middle: tuple[slice, ...]) -> Iterator[np.ndarray]:
    """The places around the middle: of each dimension, what is inside all dimensions before it."""
    for dim, inside in enumerate(middle):
        for side in (slice(0, inside.start), slice(inside.stop, None)):
            border = places[(*middle[:dim], side)]
            if border.size:
                yield border


def _filled(shape: tuple[int, ...], axis: int, number: float) -> Value:
    """One constant row, everywhere."""
    width = shape[axis]
    row = Buffer(width, Space.CONSTANTS, np.full(width, number, np.float32))
    along = np.arange(width).reshape([-1 if dim == axis else 1 for dim in range(len(shape))])
    return Value(row, np.broadcast_to(along, shape))


LOWERINGS = {aten.pad.default: lower_pad, aten.constant_pad_nd.default: lower_pad}

"""Lower pools to operations.

The kernel slides windows over one map and does not count padding. Any other pool is composed:

    images, dilation       one pool for each, as for convolutions
    a mean over padding    a pool of a map with zeros around it
    uneven windows         means by a matrix along each side, maxima one by one
"""

from __future__ import annotations

import itertools
import math
import operator

import numpy as np
from torch.fx import Node

from hvit_edge.lowering.graph import argument, aten, shape_of
from hvit_edge.targets.native import operations as ops
from hvit_edge.targets.native.emitter import Emitter, refuse
from hvit_edge.targets.native.general_operations import Parts
from hvit_edge.targets.native.kinds import PoolKind, Reduce
from hvit_edge.targets.native.lower_operators import along
from hvit_edge.targets.native.lower_pad import pad_with
from hvit_edge.targets.native.lower_reductions import reduce
from hvit_edge.targets.native.plan_limits import MOST_TAPS
from hvit_edge.targets.native.values import Value, fresh
from hvit_edge.targets.native.windows import (
    Pair,
    pair,
    pair_of,
    phases,
    regular_maps,
    unstrided,
    window_over,
)


def _maps(emit: Emitter, node: Node) -> tuple[Value, Pair]:
    """Return the input as maps, and the output's height and width; sequences are maps
    with one row.
    """
    places = emit.value(node.args[0]).places
    rank = 1 if node.target in SEQUENCES else 2
    if places.ndim == rank + 1:
        places = places[None]
    if rank == 1:
        places = places[:, :, None]
    size = shape_of(_item(node))[-rank:]
    return Value(emit.values[node.args[0]].buffer, places), pair_of(
        (1, *size) if rank == 1 else size
    )


def _item(node: Node) -> Node:
    """Return the node of the values if a pool also returns indices, else the pool itself."""
    items = [user for user in node.users if user.target is operator.getitem and user.users]
    if any(item.args[1] != 0 for item in items):
        raise refuse(node, "the indices of the largest values")
    return items[0] if items else node


def _geometry(node: Node, *, flat: bool) -> tuple[Pair, Pair, Pair]:
    """Return kernel, strides and padding of a pool."""
    kernel, padding = pair(node, 1, "kernel_size", 1), pair(node, 3, "padding", 0)
    steps = pair(node, 2, "stride", 0)
    steps = kernel if steps == (0, 0) else steps
    if flat:
        return (1, kernel[1]), (1, steps[1]), (0, padding[1])
    return kernel, steps, padding


def lower_max_pool(emit: Emitter, node: Node) -> None:
    flat = node.target in SEQUENCES
    kernel, steps, padding = _geometry(node, flat=flat)
    dilation = pair(node, 4, "dilation", 1)
    dilation = (1, dilation[1]) if flat else dilation
    source, size = _maps(emit, node)
    if dilation == (1, 1):
        _pool(emit, node, source, PoolKind.MAXIMUM, (kernel, steps, padding), size)
        return
    whole = unstrided(size, steps)
    source = regular_maps(emit, node, source)
    output = fresh((*source.shape[:2], *whole), axis=1)
    parts: list[ops.Operation] = []
    for offsets in itertools.product(*(phases(n, d) for n, d in zip(whole, dilation, strict=True))):
        places, there, before = source.places, output.places, []
        for axis, offset in zip((2, 3), offsets, strict=True):
            step, pad = dilation[axis - 2], padding[axis - 2]
            start = (offset - pad) % step
            before.append((pad - offset + start) // step)
            places = places[(slice(None),) * axis + (slice(start, None, step),)]
            there = there[(slice(None),) * axis + (slice(offset, None, step),)]
        grid, target = Value(source.buffer, places), Value(output.buffer, there)
        geometry = (kernel, (1, 1), pair_of(before))
        parts += _parts(emit, node, grid, target, PoolKind.MAXIMUM, geometry)
    emit.put(node, Parts(parts), output)
    emit.value(node)
    places = output.places[:, :, :: steps[0], :: steps[1]].reshape(shape_of(node))
    emit.values[node] = Value(output.buffer, places)


def lower_average_pool(emit: Emitter, node: Node) -> None:
    flat = node.target in SEQUENCES
    kernel, steps, padding = _geometry(node, flat=flat)
    source, size = _maps(emit, node)
    counts = argument(node, 5, "count_include_pad", True)
    divisor = argument(node, 6, "divisor_override")
    if any(padding) and (counts or divisor):
        widths = [(0, 0), (0, 0), *((pad, pad) for pad in padding)]
        source = pad_with(emit, node, source, widths, 0.0)
        padding = (0, 0)
    covered = zip(size, steps, kernel, source.shape[2:], strict=True)
    if divisor and any((n - 1) * step + k > old for n, step, k, old in covered):
        raise refuse(node, "a mean pool with a divisor and windows beyond the edge")
    _pool(emit, node, source, PoolKind.AVERAGE, (kernel, steps, padding), size)
    if divisor:
        value = emit.value(node)
        emit.combine(node, value, None, alpha=math.prod(kernel) / divisor)


def _pool(
    emit: Emitter,
    node: Node,
    source: Value,
    kind: PoolKind,
    geometry: tuple[Pair, Pair, Pair],
    size: Pair,
) -> None:
    output = fresh((*source.shape[:2], *size), axis=1)
    source = regular_maps(emit, node, source)
    parts = _parts(emit, node, source, output, kind, geometry)
    shaped = Value(output.buffer, output.places.reshape(shape_of(_item(node))))
    emit.put(_item(node), parts[0] if len(parts) == 1 else Parts(parts), shaped)


def _parts(
    emit: Emitter,
    node: Node,
    source: Value,
    output: Value,
    kind: PoolKind,
    geometry: tuple[Pair, Pair, Pair],
) -> list[ops.Operation]:
    """Return one pool for each image."""
    kernel, steps, padding = geometry
    if math.prod(kernel) > MOST_TAPS:
        raise refuse(node, f"a pool of {kernel} pixels")
    if min(source.shape) == 0:
        raise refuse(node, "a pool whose dilation is larger than its map")
    parts: list[ops.Operation] = []
    for image in range(source.shape[0]):
        one = Value(source.buffer, source.places[image : image + 1])
        size = pair_of(output.shape[2:])
        window = window_over(emit, node, one, kernel, steps, padding, size)
        rows = Value(output.buffer, output.places[image : image + 1]).rows(1)
        parts.append(ops.Pooling(window, kind, rows))
    return parts


def lower_adaptive_average_pool(emit: Emitter, node: Node) -> None:
    source, size = _maps(emit, node)
    even = _even_windows(source.shape[2:], size)
    if even is not None:
        _pool(emit, node, source, PoolKind.AVERAGE, (even, even, (0, 0)), size)
        return
    for side, (old, new) in enumerate(zip(source.shape[2:], size, strict=True)):
        matrix = np.zeros((new, old))
        for row, window in zip(matrix, _adaptive_windows(old, new), strict=True):
            row[window] = 1 / (window.stop - window.start)
        if new != old:
            source = along(emit, node, source, side + 2, matrix)
    emit.values[node] = Value(source.buffer, source.places.reshape(shape_of(node)))


def lower_adaptive_max_pool(emit: Emitter, node: Node) -> None:
    item = _item(node)
    source, size = _maps(emit, node)
    even = _even_windows(source.shape[2:], size)
    if even is not None:
        _pool(emit, node, source, PoolKind.MAXIMUM, (even, even, (0, 0)), size)
        return
    output = fresh((*source.shape[:2], *size), axis=1)
    windows = [_adaptive_windows(*sizes) for sizes in zip(source.shape[2:], size, strict=True)]
    for (i, rows), (j, columns) in itertools.product(*map(enumerate, windows)):
        part = Value(source.buffer, source.places[:, :, rows, columns])
        largest = reduce(emit, item, part, [2, 3], Reduce.MAXIMUM)
        emit.value(item)
        there = Value(output.buffer, output.places[:, :, i : i + 1, j : j + 1])
        emit.copy(item, emit.with_rows(largest, 1, item), there, 1)
    emit.values[item] = Value(output.buffer, output.places.reshape(shape_of(item)))


def _even_windows(old: tuple[int, ...], new: Pair) -> Pair | None:
    """Return the window size of an adaptive pool if all are equal and the kernel can run it."""
    if any(before % after for before, after in zip(old, new, strict=True)):
        return None
    kernel = pair_of(before // after for before, after in zip(old, new, strict=True))
    return kernel if math.prod(kernel) <= MOST_TAPS else None


def _adaptive_windows(old: int, new: int) -> list[slice]:
    """Return the windows from floor(i * old / new) to ceil((i + 1) * old / new)."""
    return [slice(i * old // new, -(-(i + 1) * old // new)) for i in range(new)]


SEQUENCES = (
    aten.max_pool1d.default,
    aten.max_pool1d_with_indices.default,
    aten.avg_pool1d.default,
    aten.adaptive_avg_pool1d.default,
    aten.adaptive_max_pool1d.default,
)

LOWERINGS = {
    aten.max_pool1d.default: lower_max_pool,
    aten.max_pool1d_with_indices.default: lower_max_pool,
    aten.max_pool2d.default: lower_max_pool,
    aten.max_pool2d_with_indices.default: lower_max_pool,
    aten.avg_pool1d.default: lower_average_pool,
    aten.avg_pool2d.default: lower_average_pool,
    aten.adaptive_avg_pool1d.default: lower_adaptive_average_pool,
    aten.adaptive_avg_pool2d.default: lower_adaptive_average_pool,
    aten.adaptive_max_pool1d.default: lower_adaptive_max_pool,
    aten.adaptive_max_pool2d.default: lower_adaptive_max_pool,
}

"""Windows over maps, as convolutions and pools read them, and the parts that they are made of."""

from __future__ import annotations

import numpy as np
from torch.fx import Node

from hvit_edge.lowering.graph import argument
from hvit_edge.targets.native.emitter import Emitter, refuse
from hvit_edge.targets.native.operations import Window
from hvit_edge.targets.native.values import Value, fresh

Pair = tuple[int, int]

MOST_TAPS = 256
MOST_CHANNELS = 8192


def pair(node: Node, position: int, name: str, default: int) -> Pair:
    """An argument of one or two integers, as two; the height of a sequence is one."""
    value = argument(node, position, name, default)
    values = [value] if isinstance(value, int) else list(value) or [default]
    return tuple(values * 2) if len(values) == 1 else tuple(values)


def window_over(
    emit: Emitter,
    node: Node,
    value: Value,
    kernel: Pair,
    steps: Pair,
    padding: Pair,
    outputs: Pair,
) -> Window:
    """The windows over one map [1, channels, height, width]; copied if its pixels are irregular."""
    value = emit.with_rows(value, 1, node)
    if not is_map(value):
        value = _copied(emit, node, value)
    _, channels, height, width = value.shape
    if channels > MOST_CHANNELS:
        raise refuse(node, f"a map of {channels} channels")
    pixels = value.places[0, 0]
    strides = (
        int(pixels[1, 0] - pixels[0, 0]) if height > 1 else width * channels,
        int(pixels[0, 1] - pixels[0, 0]) if width > 1 else channels,
    )
    start, size = int(pixels[0, 0]), (height, width, channels)
    return Window(value.buffer, start, size, strides, outputs, tuple(kernel), steps, padding)


def is_map(value: Value) -> bool:
    """Whether pixels are a fixed way apart."""
    pixels = value.places[0, 0]
    down, right = np.diff(pixels, axis=0), np.diff(pixels, axis=1)
    return all(len(np.unique(step)) <= 1 and (step > 0).all() for step in (down, right))


def _copied(emit: Emitter, node: Node, value: Value) -> Value:
    """A copy with its pixels in order."""
    copied = fresh(value.shape, axis=1)
    emit.copy(node, value, copied, 1)
    return copied


def regular_maps(emit: Emitter, node: Node, value: Value) -> Value:
    """Maps [images, channels, height, width] of which each has its pixels a fixed way apart."""
    value = emit.with_rows(value, 1, node)
    if all(is_map(Value(value.buffer, places[None])) for places in value.places):
        return value
    return _copied(emit, node, value)


def placed(value: Value, padding: Pair, kernel: Pair, steps: Pair, outputs: Pair) -> tuple:
    """A map and the padding before it, where padding that is negative has cut pixels off.

    A map of which nothing is left is one pixel that no window reaches.
    """
    places = value.places
    for axis, before in zip((2, 3), padding, strict=True):
        places = places[(slice(None),) * axis + (slice(max(-before, 0), None),)]
    if places.size == 0:
        far = far_from(outputs, kernel, steps)
        return Value(value.buffer, value.places[:, :, :1, :1]), far
    return Value(value.buffer, places), tuple(max(before, 0) for before in padding)


def far_from(outputs: Pair, kernel: Pair, steps: Pair = (1, 1)) -> Pair:
    """Padding before a map that no window then reaches."""
    return tuple(n * step + k for n, step, k in zip(outputs, steps, kernel, strict=True))


def phases(size: int, step: int) -> range:
    """The first of the positions that are `step` apart."""
    return range(min(size, step))

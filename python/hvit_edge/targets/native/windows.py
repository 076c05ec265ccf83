"""Describe the windows over maps that convolutions and pools read, and split maps for them."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from torch.fx import Node

from hvit_edge.lowering.graph import argument
from hvit_edge.targets.native.emitter import Emitter, refuse
from hvit_edge.targets.native.operations import Window
from hvit_edge.targets.native.plan_limits import MOST_CHANNELS
from hvit_edge.targets.native.values import Value, fresh

Pair = tuple[int, int]


def pair(node: Node, position: int, name: str, default: int) -> Pair:
    """Return an argument of one or two integers as two; the first is for the height."""
    value = argument(node, position, name, default)
    values = [value] if isinstance(value, int) else list(value) or [default]
    return pair_of(values * 2 if len(values) == 1 else values)


def pair_of(values: Iterable[int]) -> Pair:
    """Return two numbers, for the height and the width."""
    down, across = values
    return down, across


def window_over(
    emit: Emitter,
    node: Node,
    value: Value,
    kernel: Pair,
    steps: Pair,
    padding: Pair,
    outputs: Pair,
) -> Window:
    """Return the windows over one map [1, channels, height, width]; copy it if pixels are
    irregular.
    """
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
    return Window(value.buffer, start, size, strides, outputs, kernel, steps, padding)


def is_map(value: Value) -> bool:
    """Return True if pixels have a fixed stride along both sides."""
    pixels = value.places[0, 0]
    down, right = np.diff(pixels, axis=0), np.diff(pixels, axis=1)
    return all(len(np.unique(step)) <= 1 and (step > 0).all() for step in (down, right))


def _copied(emit: Emitter, node: Node, value: Value) -> Value:
    """Return a copy with its pixels in order."""
    copied = fresh(value.shape, axis=1)
    emit.copy(node, value, copied, 1)
    return copied


def regular_maps(emit: Emitter, node: Node, value: Value) -> Value:
    """Return maps [images, channels, height, width] with regular pixels, copied if needed."""
    value = emit.with_rows(value, 1, node)
    if all(is_map(Value(value.buffer, places[None])) for places in value.places):
        return value
    return _copied(emit, node, value)


def placed(
    value: Value, padding: Pair, kernel: Pair, steps: Pair, outputs: Pair
) -> tuple[Value, Pair]:
    """Return a map and the padding before it, after negative padding has cut pixels off.

    If nothing of the map is left, the result is one pixel that no window reaches.
    """
    places = value.places
    for axis, before in zip((2, 3), padding, strict=True):
        places = places[(slice(None),) * axis + (slice(max(-before, 0), None),)]
    if places.size == 0:
        far = far_from(outputs, kernel, steps)
        return Value(value.buffer, value.places[:, :, :1, :1]), far
    return Value(value.buffer, places), pair_of(max(before, 0) for before in padding)


def far_from(outputs: Pair, kernel: Pair, steps: Pair = (1, 1)) -> Pair:
    """Return so much padding before a map that no window reaches it."""
    return pair_of(n * step + k for n, step, k in zip(outputs, steps, kernel, strict=True))


def unstrided(outputs: Pair, steps: Pair) -> Pair:
    """Return the outputs of windows without strides that contain those of windows with strides."""
    return pair_of((n - 1) * step + 1 for n, step in zip(outputs, steps, strict=True))


def phases(size: int, step: int) -> range:
    """Return the first positions of the sequences that are `step` apart."""
    return range(min(size, step))

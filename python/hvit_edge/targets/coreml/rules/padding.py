"""Translate padding with a number, and padding from the border."""

from __future__ import annotations

from typing import Literal

import numpy as np
from coremltools.converters.mil import Builder as mb

from hvit_edge.lowering.graph import aten
from hvit_edge.targets.coreml.layout import Layout
from hvit_edge.targets.coreml.moves import MAX_PLAIN, own_axis, place, sliced, taken, with_length
from hvit_edge.targets.coreml.rules.registry import Call, rule
from hvit_edge.targets.coreml.values import Value, channels_first

Widths = dict[int, tuple[int, int]]
NUMPY_MODES: dict[str, Literal["reflect", "edge", "wrap"]] = {
    "reflect": "reflect",
    "replicate": "edge",
    "circular": "wrap",
}
BORDERS = {
    aten.reflection_pad1d.default: "reflect",
    aten.reflection_pad2d.default: "reflect",
    aten.replication_pad1d.default: "replicate",
    aten.replication_pad2d.default: "replicate",
}


@rule(aten.pad.default, aten.constant_pad_nd.default)
def pad(call: Call) -> Value:
    """Pad any dimensions; negative widths crop."""
    mode = "constant"
    if call.node.target is aten.pad.default:
        mode = call.option(2, "mode", "constant")
    if mode != "constant":
        return _from_border(call, mode)
    number = call.option(3 if call.node.target is aten.pad.default else 2, "value") or 0.0
    x, widths = call.tensor(0), _widths(call)
    for dim, (before, after) in widths.items():
        length = x.layout.shape[dim]
        x = sliced(x, dim, max(-before, 0), length - max(-after, 0))
    kept = {dim: (max(b, 0), max(a, 0)) for dim, (b, a) in widths.items()}
    kept = {dim: pair for dim, pair in kept.items() if pair != (0, 0)}
    if len(x.layout.logical) > MAX_PLAIN:
        for dim, pair in kept.items():
            own_axis(x, dim)
            x = _padded(x, {dim: pair}, number)
        return x
    if kept:
        channels_first(x)
    return _padded(x, kept, number) if kept else x


@rule(*BORDERS)
def pad_from_border(call: Call) -> Value:
    """Mirror or repeat the border."""
    return _from_border(call, BORDERS[call.node.target])


def _from_border(call: Call, mode: str) -> Value:
    x = call.tensor(0)
    for dim, pair in _widths(call).items():
        places: np.ndarray = np.pad(np.arange(x.layout.shape[dim]), pair, mode=NUMPY_MODES[mode])
        x = taken(x, dim, places)
    return x


def _widths(call: Call) -> Widths:
    """Return the widths before and after each padded dimension; PyTorch gives the
    last one first.
    """
    amounts, rank = list(call.option(1, "pad")), len(call.shape)
    pairs = zip(amounts[::2], amounts[1::2], strict=True)
    widths = {rank - 1 - at: pair for at, pair in enumerate(pairs)}
    return {dim: pair for dim, pair in widths.items() if pair != (0, 0)}


def padded(x: Value, widths: Widths, number: float) -> Value:
    """Return `x`, which has at most five dimensions, with a border of `number`."""
    channels_first(x)
    return _padded(x, widths, number)


def _padded(x: Value, widths: Widths, number: float) -> Value:
    axes = {place(x.layout, dim): pair for dim, pair in widths.items()}
    ends = [end for at in range(len(x.layout.array)) for end in axes.get(at, (0, 0))]
    y = mb.pad(x=x.data, pad=ends, mode="constant", constant_val=np.float32(number))
    layout: Layout = x.layout
    for dim, (before, after) in widths.items():
        length = layout.shape[dim] + before + after
        layout = with_length(layout, dim, place(layout, dim), length)
    return Value(y, layout)

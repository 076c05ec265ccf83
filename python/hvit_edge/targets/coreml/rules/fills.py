"""Translate tensors that are filled with one number, and tensors in which a slice is replaced."""

from __future__ import annotations

import numpy as np
import torch
from coremltools.converters.mil import Builder as mb

from hvit_edge.lowering.graph import aten
from hvit_edge.targets.coreml.moves import broadcast, concatenated, sliced, taken, viewed
from hvit_edge.targets.coreml.rules.registry import Call, rule
from hvit_edge.targets.coreml.values import Value, align

FILLS = {
    aten.zeros_like.default: 0,
    aten.ones_like.default: 1,
    aten.full_like.default: None,
    aten.new_zeros.default: 0,
    aten.new_ones.default: 1,
    aten.new_full.default: None,
    aten.fill.Scalar: None,
    aten.zero.default: 0,
}
DTYPES = {torch.float32: np.float32, torch.bool: bool, torch.int64: np.int32, torch.int32: np.int32}


@rule(*FILLS)
def fill(call: Call) -> Value:
    """Return a constant tensor that is filled with one number."""
    number = FILLS[call.node.target]
    if number is None:
        number = call.option(2 if call.node.target is aten.new_full.default else 1, "fill_value")
    dtype = DTYPES.get(call.node.meta["val"].dtype)
    if dtype is None or not isinstance(number, (int, float)):
        raise ValueError("expected a constant number that is float32, integer or bool")
    return Value.constant(np.full(call.shape, number, dtype))


@rule(aten.copy.default, aten.fill.Tensor)
def copy(call: Call) -> Value:
    """Return the second tensor in the shape of the first."""
    return broadcast(call.tensor(1), call.shape)


@rule(aten.slice_scatter.default, aten.select_scatter.default)
def scatter(call: Call) -> Value:
    """Return a copy of one tensor in which a slice is replaced by another tensor."""
    base, part = call.tensor(0), call.tensor(1)
    shape = base.layout.shape
    dim = call.option(2, "dim", 0) % len(shape)
    if call.node.target is aten.select_scatter.default:
        at = call.option(3, "index") % shape[dim]
        part = viewed(part, [*shape[:dim], 1, *shape[dim + 1 :]])
        places = np.array([at])
    else:
        chosen = slice(call.option(3, "start"), call.option(4, "end"), call.option(5, "step", 1))
        places = np.arange(shape[dim])[chosen]
    if not len(places):
        return base
    if len(places) == shape[dim]:
        return part
    first, last = int(places[0]), int(places[-1])
    if last - first + 1 == len(places):
        parts = [(0, first), None, (last + 1, shape[dim])]
        values = [
            part if p is None else _between(base, dim, *p)
            for p in parts
            if p is None or p[0] < p[1]
        ]
        return concatenated(values, dim)
    return _interleaved(base, part, dim, places)


def _between(base: Value, dim: int, start: int, stop: int) -> Value:
    if base.is_constant:
        array = np.asarray(base.data).reshape(base.layout.shape)
        return Value.constant(np.take(array, np.arange(start, stop), axis=dim))
    return sliced(base, dim, start, stop)


def _interleaved(base: Value, part: Value, dim: int, places: np.ndarray) -> Value:
    """Choose elements of both by a constant mask."""
    length, shape = base.layout.shape[dim], base.layout.shape
    which: np.ndarray = np.zeros(length, np.int64)
    which[places] = np.arange(len(places))
    spread = taken(part, dim, which)
    mask: np.ndarray = np.zeros(length, bool)
    mask[places] = True
    whole = mask.reshape([-1 if at == dim else 1 for at in range(len(shape))])
    truth = Value.constant(np.broadcast_to(whole, shape).copy())
    align(spread, base)
    align(spread, truth)
    align(spread, base)
    return Value(mb.select(cond=truth.data, a=spread.data, b=base.data), spread.layout)

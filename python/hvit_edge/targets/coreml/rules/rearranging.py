"""Translate operators that only move elements: flips, shifts, gathers, shuffles."""

from __future__ import annotations

import numpy as np
import torch
from coremltools.converters.mil import Builder as mb

from hvit_edge.lowering.graph import aten, is_constant
from hvit_edge.targets.coreml.layout import Layout
from hvit_edge.targets.coreml.moves import elements, permuted, taken, turned, viewed
from hvit_edge.targets.coreml.rules.registry import Call, rule
from hvit_edge.targets.coreml.values import Value, plain


@rule(aten.flip.default)
def flip(call: Call) -> Value:
    """Reverse one dimension after another."""
    x = call.tensor(0)
    for dim in call.option(1, "dims"):
        dim %= len(x.layout.logical)
        if x.layout.shape[dim] > 1:
            x = turned(x, dim)
    return x


@rule(aten.roll.default)
def roll(call: Call) -> Value:
    """Shift dimensions cyclically; without dimensions, shift the flattened tensor."""
    x, dims = call.tensor(0), call.option(2, "dims", [])
    shape = x.layout.shape
    if not dims:
        x, dims = viewed(x, [elements(shape)]), [0]
    for shift, dim in zip(call.option(1, "shifts"), dims, strict=True):
        dim %= len(x.layout.logical)
        x = taken(x, dim, np.roll(np.arange(x.layout.shape[dim]), shift))
    return viewed(x, shape)


@rule(aten.index_select.default)
def index_select(call: Call) -> Value:
    """Take slices at places along one dimension."""
    x = call.tensor(0)
    dim = call.option(1, "dim") % len(x.layout.logical)
    if not call.tensor(2, "index").is_constant:
        return _slices(x, dim, call.tensor(2, "index"))
    return viewed(taken(x, dim, call.array(2, "index").reshape(-1)), call.shape)


@rule(aten.index.Tensor)
def index(call: Call) -> Value:
    """Take elements at constant indices, neighbors as one, or at computed ones of a dimension."""
    x, given = call.tensor(0), list(call.option(1, "indices"))
    shape = list(x.layout.shape)
    if any(node is not None and not is_constant(node) for node in given):
        dims = [dim for dim, node in enumerate(given) if node is not None]
        if len(dims) > 1 or given[dims[0]].meta["val"].dtype is torch.bool:
            raise ValueError("expected constant indices, or computed ones of one dimension")
        return _slices(x, dims[0], call.values[given[dims[0]]])
    arrays = [None if node is None else np.asarray(call.values[node].data) for node in given]
    if any(array is not None and array.dtype == bool for array in arrays):
        raise ValueError("expected integer indices, got a mask")
    dims = [dim for dim, array in enumerate(arrays) if array is not None]
    first, last = dims[0], dims[-1]
    if dims != list(range(first, last + 1)):  # PyTorch moves the indexed dimensions to the front
        order = [*dims, *(dim for dim in range(len(shape)) if dim not in dims)]
        x, shape = permuted(x, order), [shape[dim] for dim in order]
        first, last = 0, len(dims) - 1
    lengths = shape[first : last + 1]
    known = [array for array in arrays if array is not None]
    places = [array % length for array, length in zip(known, lengths, strict=True)]
    flat = np.ravel_multi_index(np.broadcast_arrays(*places), lengths)
    x = viewed(x, [*shape[:first], int(np.prod(lengths)), *shape[last + 1 :]])
    return viewed(taken(x, first, flat.reshape(-1)), call.shape)


@rule(aten.gather.default, aten.take_along_dim.default)
def gather(call: Call) -> Value:
    """Take each element at a place along one dimension, or at a constant one of all."""
    x = call.tensor(0)
    at = call.node.target is aten.gather.default
    dim = call.option(1 if at else 2, "dim")
    index = call.tensor(2 if at else 1, "index" if at else "indices")
    if not index.is_constant:
        return _elements(x, dim, index)
    places = call.array(2 if at else 1, "index" if at else "indices")
    if dim is None:
        return viewed(
            taken(viewed(x, [elements(x.layout.shape)]), 0, places.reshape(-1)), call.shape
        )
    dim %= len(x.layout.logical)
    if not at:  # which broadcasts the places
        places = np.broadcast_to(places, call.shape)
    grid = list(np.indices(places.shape))
    grid[dim] = places % x.layout.shape[dim]
    flat = np.ravel_multi_index(grid, x.layout.shape)
    whole = viewed(x, [elements(x.layout.shape)])
    return viewed(taken(whole, 0, flat.reshape(-1)), call.shape)


def _slices(x: Value, dim: int, places: Value) -> Value:
    """Take slices of `x` at computed places along one dimension, in the shape of the places."""
    plain(x)
    plain(places)
    result = mb.gather(x=x.data, indices=places.data, axis=dim)
    return Value(result, Layout.plain(tuple(result.shape)))


def _elements(x: Value, dim: int | None, places: Value) -> Value:
    """Take the element of `x` at each computed place along a dimension."""
    if dim is None:
        raise ValueError("expected a dimension with computed places")
    plain(x)
    plain(places)
    dim %= len(x.layout.logical)
    read = list(places.layout.shape)
    read[dim] = x.layout.shape[dim]
    part = x.data
    if read != list(x.layout.shape):
        part = mb.slice_by_size(x=part, begin=[0] * len(read), size=read)
    result = mb.gather_along_axis(x=part, indices=places.data, axis=dim)
    return Value(result, Layout.plain(places.layout.shape))


@rule(aten.diagonal.default)
def diagonal(call: Call) -> Value:
    """Take the diagonal at the places that the operator itself returns for a tensor of places."""
    x = call.tensor(0)
    places = torch.arange(elements(x.layout.shape)).reshape(x.layout.shape)
    places = call.node.target(places, *call.node.args[1:], **call.node.kwargs).reshape(-1)
    return viewed(taken(viewed(x, [elements(x.layout.shape)]), 0, places.numpy()), call.shape)


@rule(aten.unfold.default)
def windows(call: Call) -> Value:
    """Return windows along one dimension, which may overlap, as a last dimension."""
    x = call.tensor(0)
    rank = len(x.layout.logical)
    dim, size, step = (
        call.option(at, name) for at, name in enumerate(("dimension", "size", "step"), 1)
    )
    dim %= rank
    count = (x.layout.shape[dim] - size) // step + 1
    places = np.arange(count)[:, None] * step + np.arange(size)
    shape = list(x.layout.shape)
    parts = viewed(
        taken(x, dim, places.reshape(-1)), [*shape[:dim], count, size, *shape[dim + 1 :]]
    )
    return permuted(parts, [*range(dim + 1), *range(dim + 2, rank + 1), dim + 1])


@rule(aten.pixel_shuffle.default)
def pixel_shuffle(call: Call) -> Value:
    """Rearrange [.., C r r, H, W] to [.., C, H r, W r]."""
    x, r = call.tensor(0), call.option(1, "upscale_factor")
    *lead, channels, height, width = x.layout.shape
    parts = viewed(x, [*lead, channels // (r * r), r, r, height, width])
    n = len(lead)
    parts = permuted(parts, [*range(n), n, n + 3, n + 1, n + 4, n + 2])
    return viewed(parts, call.shape)


@rule(aten.pixel_unshuffle.default)
def pixel_unshuffle(call: Call) -> Value:
    """Rearrange [.., C, H r, W r] to [.., C r r, H, W]."""
    x, r = call.tensor(0), call.option(1, "downscale_factor")
    *lead, channels, height, width = x.layout.shape
    parts = viewed(x, [*lead, channels, height // r, r, width // r, r])
    n = len(lead)
    parts = permuted(parts, [*range(n), n, n + 2, n + 4, n + 1, n + 3])
    return viewed(parts, call.shape)


@rule(aten.channel_shuffle.default, aten.native_channel_shuffle.default)
def channel_shuffle(call: Call) -> Value:
    """Rearrange channels [groups, rest] to [rest, groups]."""
    x, groups = call.tensor(0), call.option(1, "groups")
    batch, channels, *places = x.layout.shape
    parts = viewed(x, [batch, groups, channels // groups, *places])
    order = [0, 2, 1, *range(3, len(places) + 3)]
    return viewed(permuted(parts, order), call.shape)

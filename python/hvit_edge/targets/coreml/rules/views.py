"""Translate views, slices and concatenations; most change only the layout of the array."""

from __future__ import annotations

from hvit_edge.lowering.graph import aten, shape_of
from hvit_edge.targets.coreml.moves import (
    broadcast,
    concatenated,
    elements,
    interleaved,
    permuted,
    sliced,
    stacked,
    tiled,
    viewed,
    with_ones,
)
from hvit_edge.targets.coreml.rules.registry import Call, rule
from hvit_edge.targets.coreml.values import Value


@rule(aten.permute.default)
def permute(call: Call) -> Value:
    """Reorder the logical dimensions; nothing moves."""
    x = call.tensor(0)
    rank = len(x.layout.logical)
    return permuted(x, [dim % rank for dim in call.option(1, "dims")])


@rule(aten.reshape.default, aten.view.default, aten.unsqueeze.default, aten.squeeze.dims)
def reshape(call: Call) -> Value:
    """Change the logical shape; nothing moves unless the new dimensions cut across the old ones."""
    return viewed(call.tensor(0), call.shape)


@rule(aten.slice.Tensor)
def slice_(call: Call) -> Value:
    """Slice along a dimension, which gets an axis of its own."""
    x = call.tensor(0)
    dim = call.option(1, "dim", 0) % len(x.layout.logical)
    length = x.layout.shape[dim]
    start = _bound(call.option(2, "start"), 0, length)
    stop = _bound(call.option(3, "end"), length, length)
    return sliced(x, dim, start, stop, call.option(4, "step", 1))


@rule(aten.cat.default)
def concatenate(call: Call) -> Value:
    """Concatenate; empty tensors, which PyTorch allows with any rank, are left out."""
    parts = [node for node in call.node.args[0] if elements(shape_of(node))]
    dim = call.option(1, "dim", 0) % len(call.shape)
    return concatenated([call.values[node] for node in parts], dim)


@rule(aten.stack.default)
def stack(call: Call) -> Value:
    """Stack along a new dimension."""
    dim = call.option(1, "dim", 0) % len(call.shape)
    return stacked([call.values[node] for node in call.node.args[0]], dim)


@rule(aten.expand.default, aten.expand_as.default)
def expand(call: Call) -> Value:
    """Repeat dimensions of size one, and new leading ones."""
    return broadcast(call.tensor(0), call.shape)


@rule(aten.repeat.default, aten.tile.default)
def repeat(call: Call) -> Value:
    """Repeat blocks along each dimension; the counts are aligned at the last dimension."""
    counts = list(call.option(1, "repeats"))
    rank = max(len(counts), len(call.tensor(0).layout.logical))
    x = with_ones(call.tensor(0), rank)
    counts = [1] * (rank - len(counts)) + counts
    for dim, count in enumerate(counts):
        x = tiled(x, dim, count)
    return x


@rule(aten.repeat_interleave.self_int)
def repeat_interleave(call: Call) -> Value:
    """Repeat each element along one dimension, or along the flattened tensor."""
    x, dim = call.tensor(0), call.option(2, "dim")
    if dim is None:
        x, dim = viewed(x, [elements(x.layout.shape)]), 0
    return interleaved(x, dim % len(x.layout.logical), call.option(1, "repeats"))


def _bound(given: int | None, default: int, length: int) -> int:
    """Return a bound of a slice as a place between 0 and `length`."""
    if given is None:
        return default
    return max(0, min(given + length if given < 0 else given, length))

"""Lower tensors that are composed of others to operations: fills, scatters, choices."""

from __future__ import annotations

import numpy as np
from torch.fx import Node

from hvit_edge.lowering.graph import argument, aten, shape_of
from hvit_edge.targets.native.emitter import Emitter, refuse, row_axis
from hvit_edge.targets.native.values import Buffer, Value, constant_value, dense, filled, fresh


def lower_fill(emit: Emitter, node: Node) -> None:
    """Lower a tensor that is filled with one number."""
    name = str(node.target)
    position = 2 if node.target is aten.new_full.default else 1
    given = "full" in name or "fill" in name
    number = 1.0 if "ones" in name else (node.args[position] if given else 0.0)
    if isinstance(number, Node):
        raise refuse(node, "a tensor that is filled with a computed number")
    emit.values[node] = filled(shape_of(node), float(number))


def lower_copy(emit: Emitter, node: Node) -> None:
    """Lower a copy: the second tensor, in the shape of the first."""
    source = node.args[1]
    emit.view(node, source, np.broadcast_to(emit.values[source].places, shape_of(node)))


def lower_scatter(emit: Emitter, node: Node) -> None:
    """Lower a scatter: a copy of one tensor in which a slice is replaced by another tensor."""
    base, part = node.args[:2]
    dim = argument(node, 2, "dim", 0) % len(shape_of(node))
    if node.target is aten.select_scatter.default:
        chosen: object = node.args[3]
    else:
        bounds = argument(node, 3, "start"), argument(node, 4, "end")
        chosen = slice(*bounds, argument(node, 5, "step", 1))
    value = emit.value(base)
    axis = row_axis([value])
    whole = fresh(value.shape, axis)
    emit.copy(node, emit.with_rows(value, axis, node), whole, axis)
    there = Value(whole.buffer, whole.places[(slice(None),) * dim + (chosen,)])
    _write(emit, node, part, there)
    emit.values[node] = whole


def _write(emit: Emitter, node: Node, part: Node, there: Value) -> None:
    """Copy a tensor to `there`, value by value if it has no rows."""
    if there.places.size == 0:
        return
    here = emit.value(part)
    here = Value(here.buffer, np.broadcast_to(here.places, there.shape)[..., None])
    there = Value(there.buffer, there.places[..., None])
    both = [here, there]
    axis = row_axis(both)
    if not there.has_rows(axis):
        axis = there.places.ndim - 1
    emit.copy(node, emit.with_rows(here, axis, node), there, axis)


def lower_where(emit: Emitter, node: Node) -> None:
    """Lower a choice between two tensors by a constant mask, as places in a copy of both."""
    mask, *sides = node.args
    shape = tuple(shape_of(node))
    values = [
        emit.value(side) if isinstance(side, Node) else constant_value(np.float32([side]))
        for side in sides
    ]
    both = Buffer(sum(value.places.size for value in values))
    places, start = [], 0
    for value in values:
        axis = row_axis([value]) if value.places.ndim else 0
        value = value if value.places.ndim else Value(value.buffer, value.places.reshape(1))
        there = Value(both, start + dense(value.shape, axis))
        emit.copy(node, emit.with_rows(value, axis, node), there, axis)
        places.append(np.broadcast_to(there.places, shape))
        start += value.places.size
    chosen = np.broadcast_to(emit.constant(mask).bool().numpy(), shape)
    emit.values[node] = Value(both, np.where(chosen, *places))


FILLS = (
    aten.zeros_like.default,
    aten.ones_like.default,
    aten.full_like.default,
    aten.new_zeros.default,
    aten.new_ones.default,
    aten.new_full.default,
    aten.fill.Scalar,
)

LOWERINGS = {
    **dict.fromkeys(FILLS, lower_fill),
    aten.copy.default: lower_copy,
    aten.fill.Tensor: lower_copy,
    aten.slice_scatter.default: lower_scatter,
    aten.select_scatter.default: lower_scatter,
}

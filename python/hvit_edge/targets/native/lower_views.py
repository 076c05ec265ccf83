"""Operators that move no element: each is the same view of the array of places."""

from __future__ import annotations

import numpy as np
from torch.fx import Node

from hvit_edge.lowering.graph import argument, aten, shape_of
from hvit_edge.targets.native.emitter import Emitter, refuse


def lower_reshape(emit: Emitter, node: Node) -> None:
    emit.view(node, node.args[0], emit.values[node.args[0]].places.reshape(shape_of(node)))


def lower_permute(emit: Emitter, node: Node) -> None:
    emit.view(node, node.args[0], emit.values[node.args[0]].places.transpose(node.args[1]))


def lower_expand(emit: Emitter, node: Node) -> None:
    places = emit.values[node.args[0]].places
    emit.view(node, node.args[0], np.broadcast_to(places, shape_of(node)))


def lower_slice(emit: Emitter, node: Node) -> None:
    places = emit.values[node.args[0]].places
    dim = argument(node, 1, "dim", 0) % places.ndim
    bounds = (argument(node, 2, "start"), argument(node, 3, "end"), argument(node, 4, "step", 1))
    emit.view(node, node.args[0], places[(slice(None),) * dim + (slice(*bounds),)])


def lower_roll(emit: Emitter, node: Node) -> None:
    places = emit.values[node.args[0]].places
    dims = argument(node, 2, "dims", [])
    if not dims:
        raise refuse(node, "a roll without dims")
    emit.view(node, node.args[0], np.roll(places, node.args[1], axis=tuple(dims)))


def lower_upsample(emit: Emitter, node: Node) -> None:
    """Nearest neighbours: an output's pixel is floor(index * inputs / outputs)."""
    places = emit.values[node.args[0]].places
    for axis in (2, 3):
        inputs, outputs = places.shape[axis], shape_of(node)[axis]
        places = np.take(places, np.arange(outputs) * inputs // outputs, axis=axis)
    emit.view(node, node.args[0], places)


LOWERINGS = {
    aten.reshape.default: lower_reshape,
    aten.permute.default: lower_permute,
    aten.expand.default: lower_expand,
    aten.slice.Tensor: lower_slice,
    aten.roll.default: lower_roll,
    aten.upsample_nearest2d.vec: lower_upsample,
}

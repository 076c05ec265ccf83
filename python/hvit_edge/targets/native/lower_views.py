"""Lower operators that move no element: each is a view of the array of places."""

from __future__ import annotations

import numpy as np
import torch
from torch.fx import Node

from hvit_edge.lowering.graph import argument, aten, is_constant, shape_of
from hvit_edge.targets.native.emitter import Emitter, refuse
from hvit_edge.targets.native.values import Value


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
    emit.view(node, node.args[0], np.roll(places, node.args[1], axis=tuple(dims) or None))


def places_as_given(emit: Emitter, node: Node) -> None:
    """Lower an operator that only moves elements, by applying it to the places themselves.

    The places are float64 meanwhile, which holds any place and which every operator supports.
    """
    source = node.args[0]
    computed = [arg for arg in node.all_input_nodes if arg is not source and not is_constant(arg)]
    if computed or not isinstance(source, Node):
        raise refuse(node, f"{node.target} with computed indices")

    def given(arg: Node) -> torch.Tensor:
        if arg is source:
            return torch.from_numpy(np.ascontiguousarray(emit.values[source].places)).double()
        return emit.constant(arg)

    args, kwargs = torch.fx.map_arg((node.args, node.kwargs), given)
    moved = node.target(*args, **kwargs)
    if isinstance(moved, torch.Tensor):
        emit.view(node, source, moved.numpy().astype(emit.values[source].places.dtype))
        return
    value = emit.value(source)
    for user in node.users:  # each user is a getitem with the index of a part
        part = moved[user.args[1]]
        emit.values[user] = Value(value.buffer, part.numpy().astype(value.places.dtype))


def lower_to_float(emit: Emitter, node: Node) -> None:
    """Lower a conversion to float32 of a value that the plan stores as float32 already."""
    emit.view(node, node.args[0], emit.values[node.args[0]].places)


MOVES = (
    aten._upsample_nearest_exact1d.vec,
    aten._upsample_nearest_exact2d.vec,
    aten.channel_shuffle.default,
    aten.diagonal.default,
    aten.flip.default,
    aten.fliplr.default,
    aten.flipud.default,
    aten.gather.default,
    aten.index.Tensor,
    aten.index_select.default,
    aten.native_channel_shuffle.default,
    aten.pixel_shuffle.default,
    aten.pixel_unshuffle.default,
    aten.reflection_pad1d.default,
    aten.reflection_pad2d.default,
    aten.repeat.default,
    aten.repeat_interleave.self_int,
    aten.replication_pad1d.default,
    aten.replication_pad2d.default,
    aten.rot90.default,
    aten.take_along_dim.default,
    aten.tensor_split.indices,
    aten.tensor_split.sections,
    aten.tile.default,
    aten.unfold.default,
    aten.upsample_nearest1d.default,
    aten.upsample_nearest1d.vec,
    aten.upsample_nearest2d.default,
    aten.upsample_nearest2d.vec,
)
"""The operators that only move the elements of their first argument."""

LOWERINGS = {
    aten.reshape.default: lower_reshape,
    aten.permute.default: lower_permute,
    aten.expand.default: lower_expand,
    aten.slice.Tensor: lower_slice,
    aten.roll.default: lower_roll,
    aten.expand_as.default: lower_expand,
    aten.reshape_as.default: lower_reshape,
    aten.to.dtype: lower_to_float,
    aten._to_copy.default: lower_to_float,
    aten.type_as.default: lower_to_float,
    aten.view_as.default: lower_reshape,
    **dict.fromkeys(MOVES, places_as_given),
}

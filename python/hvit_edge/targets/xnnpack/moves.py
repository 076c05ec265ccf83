"""Remove transposes that undo one another from the graph that the XNNPACK delegate runs.

ExecuTorch keeps maps channels last and transposes wherever a map meets a row of tokens:

    [1, N, C] -> transpose -> [1, C, N] -> reshape -> [1, C, H, W] -> transpose -> [1, H, W, C]

Each element moves twice and returns to its first place. The second transpose is not in the graph
that `lowering` rewrites: ExecuTorch adds it when it hands the graph to the delegate, and it merges
none.

Identity: a chain of transposes and reshapes is one re-indexing of the value that it starts from.

    every element keeps its place               a reshape, which the delegate does not run
    two or more transposes, if one will do      reshape -> transpose

Preconditions: the shapes are static, the values are floats, and no dimension has size zero. A
reshape may leave one size open (XNNPACK writes PyTorch's -1 so). Moves that this module cannot read
are left alone. The result is bit-equal.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import fields, replace
from typing import NamedTuple, TypeAlias

import torch
from executorch.backends.xnnpack.serialization.xnnpack_graph_schema import (
    XNNGraph,
    XNNQuantizedTensorValue,
    XNNStaticReshape,
    XNNStaticTranspose,
    XNNTensorValue,
    XNode,
    XValue,
)
from executorch.backends.xnnpack.utils.xnnpack_constants import XNN_INVALID_VALUE_ID

from hvit_edge.targets.xnnpack.modules import same_module
from hvit_edge.targets.xnnpack.patches import before_serializing

Tensor: TypeAlias = XNNTensorValue | XNNQuantizedTensorValue


class Place(NamedTuple):
    """Says where a value comes from.

    Attributes:
        origin: the value that the chain starts from.
        view: the value as a view of `origin`; it has a shape and strides but no elements.
        transposes: the number of transposes on the way.
    """

    origin: int
    view: torch.Tensor
    transposes: int


def merged_moves() -> AbstractContextManager[None]:
    """Apply `merge_moves` to each graph that ExecuTorch hands to the XNNPACK delegate."""
    return before_serializing(merge_moves)


def merge_moves(graph: XNNGraph) -> None:
    """Replace chains of transposes by shorter ones, and remove moves that nothing reads."""
    values = {tensor_of(value).id_out: value.xvalue_union for value in graph.xvalues}
    known = set(values)
    places: dict[int, Place] = {}
    nodes = []
    for node in graph.xnodes:
        move = node.xnode_union
        if not _is_plain_move(node, values):
            nodes.append(node)
            continue
        place = _place(move, places, values[move.input_id].dims)
        if place is None:
            nodes.append(node)
            continue
        places[move.output_id] = place
        shorter = _moves(values, move, place)
        nodes += [same_module(XNode(m, node.debug_handle), node) for m in shorter]
    graph.xvalues += [XValue(value) for number, value in values.items() if number not in known]
    graph.xnodes = _without_unread(nodes, values)


def _is_plain_move(node: XNode, values: dict[int, Tensor]) -> bool:
    """Return True if all `node` does is to move floats of static, non-empty shapes."""
    move = node.xnode_union
    if not isinstance(move, (XNNStaticReshape, XNNStaticTranspose)) or node.output_min_max:
        return False
    ends = [values.get(move.input_id), values.get(move.output_id)]
    return all(isinstance(value, XNNTensorValue) and all(value.dims) for value in ends)


def _place(
    move: XNNStaticReshape | XNNStaticTranspose, places: dict[int, Place], dims: list[int]
) -> Place | None:
    """Return the place of the value that `move` writes, or None if the shapes do not fit.

    Args:
        move: a transpose or a reshape.
        places: the places of the values so far.
        dims: the shape of the value that `move` reads.
    """
    start = Place(move.input_id, torch.empty(dims, device="meta"), 0)
    before = places.get(move.input_id, start)
    if isinstance(move, XNNStaticTranspose):
        if sorted(move.perm) != list(range(before.view.dim())):
            return None
        return Place(before.origin, before.view.permute(move.perm), before.transposes + 1)
    shape = _written_out(move.new_shape, start.view.numel())
    if math.prod(shape) != start.view.numel():
        return None
    try:
        return before._replace(view=before.view.view(shape))
    except RuntimeError:  # no view has this shape: the elements must move first
        return start._replace(view=start.view.view(shape))


def _written_out(shape: list[int], count: int) -> list[int]:
    """Return `shape` with its open size, which XNNPACK writes as 0, filled in for
    `count` elements.
    """
    known = math.prod(size for size in shape if size)
    return [size or count // known for size in shape]


def _moves(
    values: dict[int, Tensor],
    move: XNNStaticReshape | XNNStaticTranspose,
    place: Place,
) -> list[XNNStaticReshape | XNNStaticTranspose]:
    """Return the moves from the origin of `place` to the output of `move`, with few transposes."""
    shape = list(place.view.shape)
    if place.view.is_contiguous():
        return [XNNStaticReshape(len(shape), shape, place.origin, move.output_id, flags=0)]
    if place.transposes < 2:
        return [move]
    strides = place.view.stride()
    order = sorted(range(len(shape)), key=lambda dim: (-strides[dim], shape[dim] != 1))
    unmoved = _add_value(values, place.origin, [shape[dim] for dim in order])
    perm = [order.index(dim) for dim in range(len(shape))]
    return [
        XNNStaticReshape(len(shape), values[unmoved].dims, place.origin, unmoved, flags=0),
        XNNStaticTranspose(len(shape), perm, unmoved, move.output_id, flags=0),
    ]


def _add_value(values: dict[int, Tensor], like: int, dims: list[int]) -> int:
    """Add a value of the shape `dims` and the type of `like`; return its id."""
    added = replace(
        values[like],
        num_dims=len(dims),
        dims=dims,
        external_id=XNN_INVALID_VALUE_ID,
        flags=0,
        id_out=max(values) + 1,
    )
    values[added.id_out] = added
    return added.id_out


def _without_unread(nodes: list[XNode], values: dict[int, Tensor]) -> list[XNode]:
    """Return `nodes` without the transposes and reshapes whose results nothing reads."""
    read: set[int] = set()
    kept = []
    for node in reversed(nodes):
        move = node.xnode_union
        if isinstance(move, (XNNStaticReshape, XNNStaticTranspose)):
            written = tensor_of(XValue(values[move.output_id]))
            if written.id_out not in read and written.external_id == XNN_INVALID_VALUE_ID:
                continue
        read.update(_inputs(node))
        kept.append(node)
    return kept[::-1]


def _inputs(node: XNode) -> Iterator[int]:
    for field in fields(node.xnode_union):
        if field.name.endswith("_id") and not field.name.startswith("output"):
            yield getattr(node.xnode_union, field.name)


def tensor_of(value: XValue) -> XNNTensorValue:
    """Return the tensor of a value, whether it is quantized or not."""
    return getattr(value.xvalue_union, "tensor_value", value.xvalue_union)

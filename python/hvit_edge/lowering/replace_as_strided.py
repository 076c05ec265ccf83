"""Replace a view by strides with a selection of the elements that it names.

Identity:   as_strided(x)[i, j, ..] = the element of x at offset + i s_0 + j s_1 + .. in memory

    x -> as_strided(size, stride) -> y       x -> reshape [n] -> index_select -> reshape -> y

Preconditions: every place in memory holds an element of x. If an offset is given, x is not a part
of another tensor, whose memory it would count from. Bit-equal. The strides of x are those of the
exported graph, so that no rewrite may run before that changes them.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence

import torch
from torch.fx import GraphModule, Node

from hvit_edge.lowering.canonicalize_views import EXPANDS, NORMAL, PARTS, PERMUTES, RESHAPES, SPLITS
from hvit_edge.lowering.graph import Editor, argument, aten, is_call, nodes_calling, shape_of

_PARTS = (aten.slice.Tensor, *PARTS, *SPLITS)
_VIEWS = (*NORMAL, *EXPANDS, *PERMUTES, *RESHAPES, *_PARTS)


def replace_as_strided(graph: GraphModule) -> bool:
    """Apply the rewrite. Return True if it changed the graph."""
    modified = False
    for node in nodes_calling(graph, aten.as_strided.default, aten.as_strided_copy.default):
        places = _places(node)
        if places is None:
            continue
        edit = Editor(graph, node)
        flat = edit.reshape(node.args[0], [math.prod(shape_of(node.args[0]))])
        index = edit.constant(f"{node.name}_places", places.reshape(-1))
        taken = edit.call(aten.index_select.default, flat, 0, index)
        edit.replace(edit.reshape(taken, shape_of(node)))
        modified = True
    return modified


def _places(node: Node) -> torch.Tensor | None:
    """Return the number of the element of the source at each place; None if one has none."""
    source, size, stride = node.args[:3]
    offset = argument(node, 3, "storage_offset")
    if offset is not None and _is_part(source):
        return None
    value = source.meta["val"]
    own = _memory(value.shape, value.stride())
    wanted = (offset or 0) + _memory(size, stride)
    if not own.numel() or not wanted.numel() or int(wanted.max()) > int(own.max()):
        return None
    number_at = torch.full((int(own.max()) + 1,), -1)
    number_at[own] = torch.arange(own.numel())
    places = number_at[wanted]
    return None if int(places.min()) < 0 else places


def _memory(size: Sequence[int], stride: Sequence[int]) -> torch.Tensor:
    """Return the place in memory of each element, in the order of the elements."""
    places = torch.zeros(1, dtype=torch.int64)
    for count, step in zip(size, stride, strict=True):
        places = (places[:, None] + step * torch.arange(count)).reshape(-1)
    return places


def _is_part(node: Node) -> bool:
    """Return True if `node` is a view of a part of another tensor."""
    while is_call(node, *_VIEWS, operator.getitem):
        if node.target in (*_PARTS, operator.getitem):
            return True
        node = node.args[0]
    return False

"""Replace maxima with operators that the XNNPACK delegate has.

Identity:   max(x, d).values = amax(x, d)
            adaptive_max_pool2d(x, 1) = amax(x, the plane)
            amax over the plane of a map = a pool of its size
            amin(x) = -amax(-x)

    x -> max(d) -> [0] -> y                       x -> amax(d) -> y
    x -> adaptive_max_pool2d(1) -> [0] -> y       x -> max_pool2d(H, W) -> y
    x [N, C, H, W] -> amax(H, W) -> y             x -> max_pool2d(H, W) -> [reshape] -> y
    x -> amax(a few) -> y                         x -> slice.. -> maximum.. -> reshape -> y
    x -> amax(others) -> y                        x -> permute -> reshape [1, rest, n, 1]
                                                    -> max_pool2d(n, 1) -> reshape -> y

Preconditions: floating point; the indices of the maxima are not used. Bit-equal.
"""

from __future__ import annotations

import math

from torch.fx import GraphModule, Node

from hvit_edge.lowering.graph import Editor, argument, aten, nodes_calling, rank_of, shape_of

WITH_PLACES = (aten.max.dim, aten.min.dim, aten.adaptive_max_pool2d.default)
FEW = 4
"""Up to this many slices are compared one by one."""


def replace_max(graph: GraphModule) -> bool:
    """Apply the rewrite. Return True if it changed the graph."""
    modified = False
    for node in nodes_calling(graph, *WITH_PLACES):
        dims = _dims(node)
        items = list(node.users)
        if dims is None or any(item.args[1] != 0 and item.users for item in items):
            continue
        keepdim = node.target is aten.adaptive_max_pool2d.default or bool(
            argument(node, 2, "keepdim", False)
        )
        extreme = aten.amin.default if node.target is aten.min.dim else aten.amax.default
        for item in items:
            edit = Editor(graph, item)
            if item.users:
                edit.replace(edit.call(extreme, node.args[0], dims, keepdim))
            else:
                graph.graph.erase_node(item)
        graph.graph.erase_node(node)
        modified = True
    for node in nodes_calling(graph, aten.amin.default, aten.min.default):
        if node.meta["val"].dtype.is_floating_point:
            edit = Editor(graph, node)
            minus = edit.call(aten.neg.default, node.args[0])
            most = edit.call(_UPSIDE_DOWN[node.target], minus, *node.args[1:], **node.kwargs)
            edit.replace(edit.call(aten.neg.default, most))
            modified = True
    for node in nodes_calling(graph, aten.amax.default, aten.max.default):
        if node.meta["val"].dtype.is_floating_point and rank_of(node.args[0]):
            edit = Editor(graph, node)
            edit.replace(edit.reshape(_maximum(edit, node), shape_of(node)))
            modified = True
    return modified


_UPSIDE_DOWN = {aten.amin.default: aten.amax.default, aten.min.default: aten.max.default}


def _maximum(edit: Editor, node: Node) -> Node:
    """Return the maxima of `amax`, in any shape."""
    source, shape = node.args[0], shape_of(node.args[0])
    given = argument(node, 1, "dim", []) if node.target is aten.amax.default else []
    dims = sorted({dim % len(shape) for dim in given} or range(len(shape)))
    count = math.prod(shape[dim] for dim in dims)
    if count == 1:
        return source
    if dims == [2, 3] and len(shape) == 4:
        return edit.call(aten.max_pool2d.default, source, shape[2:])
    long_dims = [dim for dim in dims if shape[dim] > 1]
    if count <= FEW and len(long_dims) == 1:
        return _one_by_one(edit, source, long_dims[0])
    others = [dim for dim in range(len(shape)) if dim not in dims]
    rows = math.prod(shape[dim] for dim in others)
    last = edit.permute(source, [*others, *dims])
    planes = edit.reshape(last, [1, rows, count, 1])
    return edit.call(aten.max_pool2d.default, planes, [count, 1])


def _one_by_one(edit: Editor, source: Node, dim: int) -> Node:
    parts = [
        edit.call(aten.slice.Tensor, source, dim, at, at + 1) for at in range(shape_of(source)[dim])
    ]
    most = parts[0]
    for part in parts[1:]:
        most = edit.call(aten.maximum.default, most, part)
    return most


def _dims(node: Node) -> list[int] | None:
    """Return the dimensions of the maximum, or None if a pool leaves more than one pixel."""
    if node.target in (aten.max.dim, aten.min.dim):
        return [argument(node, 1, "dim")]
    return [-2, -1] if list(argument(node, 1, "output_size")) == [1, 1] else None

"""Take maxima by the operators that ExecuTorch lowers whole.

Identity:   max(x, d).values = amax(x, d)
            adaptive_max_pool2d(x, 1) = amax(x, the plane)
            amax over the plane of a map = a pool of its size

    x -> max(d) -> [0] -> y                       x -> amax(d) -> y
    x -> adaptive_max_pool2d(1) -> [0] -> y       x -> max_pool2d(H, W) -> y
    x [N, C, H, W] -> amax(H, W) -> y             x -> max_pool2d(H, W) -> [reshape] -> y

Preconditions: nobody reads the places of the maxima; a pool has more than one pixel. Bit-equal.
"""

from __future__ import annotations

from torch.fx import GraphModule, Node

from hvit_edge.lowering.graph import Editor, argument, aten, nodes_calling, rank_of, shape_of

WITH_PLACES = (aten.max.dim, aten.adaptive_max_pool2d.default)


def replace_max(graph: GraphModule) -> bool:
    """Apply the rewrite; returns whether anything changed."""
    modified = False
    for node in nodes_calling(graph, *WITH_PLACES):
        dims = _dims(node)
        items = list(node.users)
        if dims is None or any(item.args[1] != 0 and item.users for item in items):
            continue
        keepdim = node.target is not aten.max.dim or bool(argument(node, 2, "keepdim", False))
        for item in items:
            edit = Editor(graph, item)
            if item.users:
                edit.replace(edit.call(aten.amax.default, node.args[0], dims, keepdim))
            else:
                graph.graph.erase_node(item)
        graph.graph.erase_node(node)
        modified = True
    for node in nodes_calling(graph, aten.amax.default):
        if _is_over_plane(node):
            edit = Editor(graph, node)
            pooled = edit.call(aten.max_pool2d.default, node.args[0], shape_of(node.args[0])[2:])
            edit.replace(edit.reshape(pooled, shape_of(node)))
            modified = True
    return modified


def _dims(node: Node) -> list[int] | None:
    """The dimensions of the maximum, or None where a pool leaves more than one pixel."""
    if node.target is aten.max.dim:
        return [argument(node, 1, "dim")]
    return [-2, -1] if list(argument(node, 1, "output_size")) == [1, 1] else None


def _is_over_plane(node: Node) -> bool:
    source = node.args[0]
    if rank_of(source) != 4 or not source.meta["val"].dtype.is_floating_point:
        return False
    dims = sorted(dim % 4 for dim in argument(node, 1, "dim", []))
    height, width = shape_of(source)[2:]
    return dims == [2, 3] and height * width > 1

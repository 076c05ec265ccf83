"""Replace means with a form that XNNPACK has.

Identity:   mean over n elements = the product with a row of n values 1/n

    x [N, C, H, W] -> mean(H, W)                        mean(H, W, keepdim=True) -> reshape
    x [N, C, H, W] -> adaptive_avg_pool2d(1)            mean(H, W, keepdim=True)
    x [..., C] -> mean(last)                            linear(1/C) -> reshape
    x [1, n..., rest...] -> mean(n...)                  bmm(1/n, x [1, n, rest]) -> reshape
    x -> mean(any others)                               permute them last -> linear(1/n) -> reshape

Preconditions: no change of dtype; for the form with bmm the averaged dimensions are adjacent, and
every dimension before them has length one. Exact up to the order of summation.
"""

import math

import torch
from torch.fx import GraphModule, Node

from hvit_edge.lowering.graph import Editor, argument, aten, nodes_calling, rank_of, shape_of

MEANS = (aten.mean.default, aten.mean.dim, aten.adaptive_avg_pool2d.default)


def replace_mean(graph: GraphModule) -> bool:
    """Apply the rewrite. Return True if it changed the graph."""
    modified = False
    for node in nodes_calling(graph, *MEANS):
        dims = _averaged_dims(node)
        if dims is None or _is_plane_mean(node, dims):
            continue
        edit = Editor(graph, node)
        edit.replace(edit.reshape(_average(edit, node, dims), shape_of(node)))
        modified = True
    return modified


def _averaged_dims(node: Node) -> list[int] | None:
    """Return the averaged dimensions, ascending.

    The result is None if the dtype changes, or if a pool returns more than one pixel.
    """
    rank = rank_of(node.args[0])
    if node.target is aten.adaptive_avg_pool2d.default:
        return [rank - 2, rank - 1] if list(node.args[1]) == [1, 1] else None
    if node.kwargs.get("dtype") is not None:
        return None
    given = node.args[1] if node.target is aten.mean.dim else None
    return sorted(dim % rank for dim in (given or range(rank))) or None


def _is_plane_mean(node: Node, dims: list[int]) -> bool:
    """Return True if `node` already has the form that XNNPACK accepts."""
    return node.target is aten.mean.dim and dims == [2, 3] and bool(argument(node, 2, "keepdim"))


def _average(edit: Editor, node: Node, dims: list[int]) -> Node:
    source, shape = node.args[0], shape_of(node.args[0])
    if dims == [2, 3]:
        return edit.call(aten.mean.dim, source, [2, 3], True)
    before, after = shape[: dims[0]], shape[dims[-1] + 1 :]
    adjacent = dims == list(range(dims[0], dims[-1] + 1))
    if not adjacent or (after and math.prod(before) != 1):
        others = [dim for dim in range(len(shape)) if dim not in dims]
        source = edit.permute(source, [*others, *dims])
        before, after = [shape[dim] for dim in others], []
    count = math.prod(shape[d] for d in dims)
    row = torch.full((1, count), 1 / count, dtype=torch.float64)
    if not after:
        rows = edit.reshape(source, [*(before or [1]), count])
        weight = edit.constant_like(f"{node.name}_average", row, node)
        return edit.call(aten.linear.default, rows, weight)
    columns = edit.reshape(source, [1, count, math.prod(after)])
    weight = edit.constant_like(f"{node.name}_average", row.reshape(1, 1, count), node)
    return edit.call(aten.bmm.default, weight, columns)

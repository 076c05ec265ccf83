"""Permute with as few dimensions as possible.

Identity:   dimensions that stay next to each other move as one, and those of length one do not move

    x [a, b, c, d] -> permute(2, 3, 0, 1) -> y
    x -> reshape [a b, c d] -> permute(1, 0) -> reshape [c, d, a, b] -> y

Preconditions: more than `MOST` dimensions, which XNNPACK does not accept, and fewer parts that move
than dimensions. Bit-equal.
"""

from __future__ import annotations

import math

from torch.fx import GraphModule, Node

from hvit_edge.lowering.graph import Editor, aten, nodes_calling, rank_of, shape_of

MOST = 6


def lower_ranks(graph: GraphModule) -> bool:
    """Apply the rewrite. Return True if it changed the graph."""
    modified = False
    for node in nodes_calling(graph, aten.permute.default):
        if rank_of(node) <= MOST:
            continue
        parts = _parts(node)
        if len(parts) < rank_of(node):
            edit = Editor(graph, node)
            edit.replace(_by_parts(edit, node, parts))
            modified = True
    return modified


def _parts(node: Node) -> list[list[int]]:
    """Return the groups of source dimensions that move together, in the order of the result."""
    sizes = shape_of(node.args[0])
    parts: list[list[int]] = []
    for dim in node.args[1]:
        if sizes[dim] == 1:
            continue
        if parts and _follows(sizes, parts[-1][-1], dim):
            parts[-1].append(dim)
        else:
            parts.append([dim])
    return parts


def _follows(sizes: list[int], before: int, dim: int) -> bool:
    """Return True if only dimensions of length one are between `before` and `dim`."""
    return before < dim and all(size == 1 for size in sizes[before + 1 : dim])


def _by_parts(edit: Editor, node: Node, parts: list[list[int]]) -> Node:
    sizes = shape_of(node.args[0])
    in_source = sorted(parts)
    merged = [math.prod(sizes[dim] for dim in part) for part in in_source]
    moved = edit.permute(
        edit.reshape(node.args[0], merged), [in_source.index(part) for part in parts]
    )
    return edit.reshape(moved, shape_of(node))

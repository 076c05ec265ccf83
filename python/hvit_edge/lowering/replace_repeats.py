"""Replace expand and repeat with a broadcasting product with ones.

Identity:   x [.., 1, ..] repeated n times = x * ones [.., n, ..]

    x -> expand -> y                      x -> reshape -> mul(ones) -> y
    x -> repeat(.., r, ..) -> y           x -> reshape [1, n] -> mul(ones [r, 1]) -> reshape -> y
    x -> repeat_interleave(r, dim) -> y   x -> reshape [n, 1] -> mul(ones [1, r]) -> reshape -> y

Preconditions: floating point, static shapes, an integer number of repetitions. Bit-equal. XNNPACK
broadcasts, but it has neither expand nor repeat.
"""

from __future__ import annotations

import math

import torch
from torch.fx import GraphModule, Node

from hvit_edge.lowering.graph import Editor, argument, aten, nodes_calling, rank_of, shape_of

REPEATS = (aten.expand.default, aten.repeat.default, aten.repeat_interleave.self_int)


def replace_repeats(graph: GraphModule) -> bool:
    """Apply the rewrite. Return True if it changed the graph."""
    modified = False
    for node in nodes_calling(graph, *REPEATS):
        if not node.meta["val"].dtype.is_floating_point or node.meta["val"].numel() == 0:
            continue
        edit = Editor(graph, node)
        edit.replace(_repeated(edit, node))
        modified = True
    return modified


def stretched(edit: Editor, node: Node, shape: list[int]) -> Node:
    """Broadcast `node` to `shape`, which has the rank of `node`."""
    own = shape_of(node)
    if own == shape:
        return node
    sizes = [new if old != new else 1 for old, new in zip(own, shape, strict=True)]
    ones = torch.ones(sizes, dtype=torch.float64)
    return edit.call(aten.mul.Tensor, node, edit.constant_like(f"{node.name}_ones", ones, node))


def _repeated(edit: Editor, node: Node) -> Node:
    source, shape = node.args[0], shape_of(node)
    if node.target is aten.repeat_interleave.self_int:
        return _interleaved(edit, node)
    same_rank = [1] * (len(shape) - rank_of(source)) + shape_of(source)
    result = edit.reshape(source, same_rank)
    if node.target is aten.expand.default:
        return stretched(edit, result, shape)
    for dim, count in enumerate(node.args[1]):
        if count > 1:
            result = _times(edit, result, dim, 0, count)
    return edit.reshape(result, shape)


def _interleaved(edit: Editor, node: Node) -> Node:
    dim, source = argument(node, 2, "dim"), node.args[0]
    if dim is None:
        source, dim = edit.reshape(source, [math.prod(shape_of(source))]), 0
    dim %= rank_of(source)
    return edit.reshape(_times(edit, source, dim, 1, node.args[1]), shape_of(node))


def _times(edit: Editor, node: Node, dim: int, place: int, count: int) -> Node:
    """Repeat all of `dim` (`place` 0), or each of its elements (`place` 1)."""
    shape = shape_of(node)
    before, length, after = math.prod(shape[:dim]), shape[dim], math.prod(shape[dim + 1 :])
    split = [before, length, after]
    split.insert(1 + place, 1)
    wide = list(split)
    wide[1 + place] = count
    repeated = stretched(edit, edit.reshape(node, split), wide)
    return edit.reshape(repeated, [*shape[:dim], length * count, *shape[dim + 1 :]])

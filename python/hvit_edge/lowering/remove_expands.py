"""Remove an expand whose user broadcasts anyway.

Identity:   expand(x) + y = x + y,   where x broadcasts against y to the same shape

    x [N, C, 1, 1] -> expand [N, C, H, W] -> mul(y) -> z      x -> mul(y) -> z
    x [N, 1, L, D] -> expand [N, G, L, D] -> matmul(y) -> z   x -> matmul(y) -> z

Preconditions: without the expand, the result has the same shape; the operand keeps its number of
dimensions. Bit-equal. XNNPACK has no expand, but it broadcasts.
"""

from __future__ import annotations

import torch
from torch.fx import GraphModule, Node

from hvit_edge.lowering.graph import aten, is_call, nodes_calling, rank_of, shape_of

BROADCASTING = (
    aten.add.Tensor,
    aten.div.Tensor,
    aten.maximum.default,
    aten.minimum.default,
    aten.mul.Tensor,
    aten.sub.Tensor,
)


def remove_expands(graph: GraphModule) -> bool:
    """Apply the rewrite. Return True if it changed the graph."""
    modified = False
    for node in nodes_calling(graph, *BROADCASTING, aten.matmul.default):
        for place in (0, 1):
            while is_call(node.args[place], aten.expand.default) and _is_needless(node, place):
                operands = list(node.args)
                operands[place] = node.args[place].args[0]
                node.args = tuple(operands)
                modified = True
    if modified:
        graph.graph.eliminate_dead_code()
    return modified


def _is_needless(node: Node, place: int) -> bool:
    """Return True if `node` has the same result without the expand of its operand."""
    expand, other = node.args[place], node.args[1 - place]
    if node.target is aten.matmul.default:
        return _is_needless_product(expand, other, shape_of(node))
    if rank_of(expand.args[0]) != rank_of(expand):
        return False
    shapes = [shape_of(expand.args[0])]
    if isinstance(other, Node):
        shapes.append(shape_of(other))
    return list(torch.broadcast_shapes(*shapes)) == shape_of(node)


def _is_needless_product(expand: Node, other: Node, result: list[int]) -> bool:
    """Return True if only leading dimensions are expanded, and `other` has them."""
    source, expanded = shape_of(expand.args[0]), shape_of(expand)
    if len(source) != len(expanded) or len(source) < 3 or rank_of(other) < 2:
        return False
    if source[-2:] != expanded[-2:]:
        return False
    return list(torch.broadcast_shapes(source[:-2], shape_of(other)[:-2])) == result[:-2]

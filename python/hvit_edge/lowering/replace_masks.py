"""Replace a choice by a constant mask with a product and a sum.

Identity:   where(m, a, b) = a m + b (1 - m),   m consists of zeros and ones

    x -> masked_fill(m, v) -> y           x -> mul(1 - m) -> add(v m) -> y
    a, b -> where(m) -> y                 a -> mul(m), b -> mul(1 - m) -> add -> y

If the mask fills in minus infinity, the sum alone gives it and the product is omitted. Attention
scores then need one pass.

Preconditions: floating point, a constant mask, and finite values where the mask drops them. Exact.
XNNPACK has no masks.
"""

from __future__ import annotations

import torch
from torch.fx import GraphModule, Node

from hvit_edge.lowering.graph import (
    Editor,
    aten,
    constant_tensor,
    is_constant,
    nodes_calling,
    shape_of,
)

FILLS = (aten.masked_fill.Scalar, aten.masked_fill.Tensor)


def replace_masks(graph: GraphModule) -> bool:
    """Apply the rewrite. Return True if it changed the graph."""
    modified = False
    for node in nodes_calling(graph, *FILLS, aten.where.self):
        if not node.meta["val"].dtype.is_floating_point:
            continue
        if node.target is aten.where.self:
            mask, taken, other = node.args
        else:
            other, mask, taken = node.args
        if not is_constant(mask) or any(_changes_dtype(side, node) for side in (taken, other)):
            continue
        edit = Editor(graph, node)
        edit.replace(_chosen(edit, node, constant_tensor(graph, mask), taken, other))
        modified = True
    return modified


def _changes_dtype(side: object, node: Node) -> bool:
    return isinstance(side, Node) and side.meta["val"].dtype != node.meta["val"].dtype


def _chosen(edit: Editor, node: Node, mask: torch.Tensor, taken: object, other: object) -> Node:
    """Return `taken` where `mask` is set, `other` where it is not."""
    parts = [_part(edit, node, taken, mask), _part(edit, node, other, ~mask)]
    values = [part for part in parts if not isinstance(part, Node)]
    nodes = [part for part in parts if isinstance(part, Node)]
    if values and torch.isinf(values[0]).equal(mask if values[0] is parts[0] else ~mask):
        nodes = [side for side in (taken, other) if isinstance(side, Node) and nodes]
        nodes = [side for side in nodes if not is_constant(side)]
    for value in values:
        nodes.append(edit.constant_like(f"{node.name}_filled", value, node))
    result = nodes[0] if len(nodes) == 1 else edit.call(aten.add.Tensor, *nodes)
    return (
        result
        if shape_of(result) == shape_of(node)
        else edit.call(aten.expand.default, result, shape_of(node))
    )


def _part(edit: Editor, node: Node, side: object, mask: torch.Tensor) -> Node | torch.Tensor:
    """Return `side` with zeros where `mask` is not set.

    A number or a constant becomes a float64 tensor, any other side a node.
    """
    if not isinstance(side, Node) or is_constant(side):
        if isinstance(side, Node):
            side = constant_tensor(edit.graph, side)
        return torch.where(mask, torch.as_tensor(side, dtype=torch.float64), 0.0)
    return edit.call(
        aten.mul.Tensor, side, edit.constant_like(f"{node.name}_mask", mask.double(), node)
    )

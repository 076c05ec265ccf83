"""Fold the multiplication by a number into the linear that computes the values.

Identity:   s * linear(x, W, b) = linear(x, s * W, s * b), for each row of W separately

    x -> linear(W, b) -> slice, reshape, permute -> mul(s) -> y
    x -> linear(W', b') -> slice, reshape, permute -> y

Preconditions: only reshapes, permutes and slices are between the linear and the product; the output
channels that reach the product reach no other node. Only their rows of W are scaled: in a fused
q, k, v projection the rows of q. Folded in float64, exact up to one rounding of each weight (exact
if s is a power of two).
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch.fx import GraphModule, Node

from hvit_edge.lowering.graph import (
    Editor,
    aten,
    constant_tensor,
    has_constant_weights,
    is_constant,
    layer_constants,
    nodes_calling,
    shape_of,
)

REINDEXING = (aten.reshape.default, aten.permute.default, aten.slice.Tensor)


def fold_scale(graph: GraphModule) -> bool:
    """Apply the rewrite. Return True if it changed the graph."""
    modified = False
    for product in nodes_calling(graph, aten.mul.Tensor):
        linear = _source(product.args[0])
        if linear is None or not _is_number(product.args[1]):
            continue
        rows = _rows_used_only_by(product, linear)
        if rows is not None:
            factor = float(constant_tensor(graph, product.args[1]))
            product.replace_all_uses_with(product.args[0])
            graph.graph.erase_node(product)
            _scale_rows(Editor(graph, linear), linear, rows, factor)
            modified = True
    return modified


def _is_number(value: object) -> bool:
    return is_constant(value) and value.meta["val"].numel() == 1


def _source(node: Node) -> Node | None:
    """Return the linear that `node` re-indexes, or None if there is none with constant weights."""
    while node.op == "call_function" and node.target in REINDEXING:
        node = node.args[0]
    if node.op != "call_function" or node.target is not aten.linear.default:
        return None
    return node if has_constant_weights(node) else None


def _rows_used_only_by(product: Node, linear: Node) -> torch.Tensor | None:
    """Return the output channels of `linear` that reach `product`, as bool [channels].

    The result is None if another node uses one of them.
    """
    channels = shape_of(linear)[-1]
    labels = torch.arange(channels).expand(shape_of(linear))
    wanted, others = (
        torch.zeros(channels, dtype=torch.bool),
        torch.zeros(channels, dtype=torch.bool),
    )
    for user, reaching in _final_users(linear, labels):
        (wanted if user is product else others)[reaching.unique()] = True
    return None if (wanted & others).any() else wanted


def _final_users(node: Node, labels: torch.Tensor) -> Iterator[tuple[Node, torch.Tensor]]:
    """Yield each user after the re-indexing operators, with the labels that reach it."""
    for user in node.users:
        if user.op == "call_function" and user.target in REINDEXING:
            yield from _final_users(user, user.target(labels, *user.args[1:], **user.kwargs))
        else:
            yield user, labels


def _scale_rows(edit: Editor, linear: Node, rows: torch.Tensor, factor: float) -> None:
    scale = torch.ones(len(rows), dtype=torch.float64)
    scale[rows] = factor
    weight, bias = layer_constants(edit.graph, linear)
    scaled = None if bias is None else bias * scale
    edit.replace(edit.layer(linear, weight * scale[:, None], scaled))

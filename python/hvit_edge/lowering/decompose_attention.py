"""Decompose scaled dot-product attention into matrix products and a softmax.

Identity:   attention(q, k, v, m) = softmax(s * q k^T + m) v,   s = 1 / sqrt(d) by default

    q, k, v -> scaled_dot_product_attention -> y
    q -> mul(s) -> matmul(k^T) -> [add(m)] -> softmax -> matmul(v) -> y

A constant boolean mask becomes a constant of zeros and -inf, and so does a causal mask. Keys and
values that several heads of queries share (grouped) are repeated. A computed boolean mask is
converted to m = 0 or 1, and (m - 1) * 30000 is added to the scores.

Preconditions: no dropout; a causal attention has no other mask. Exact up to the order of rounding.
The scale is applied to q, where a later rewrite can fold it into a linear. PyTorch returns zeros
for a row that is completely masked. If the mask is a constant or boolean, such rows are multiplied
by zero for the same result.
"""

import math

import torch
from torch.fx import GraphModule, Node

from hvit_edge.lowering.graph import (
    Editor,
    argument,
    aten,
    constant_tensor,
    is_constant,
    is_float,
    nodes_calling,
    rank_of,
    shape_of,
)

ATTENTION = aten.scaled_dot_product_attention.default
MASKED = 3e4
"""Subtracted from masked scores: the exponential becomes zero, and float16 can represent it."""


def decompose_attention(graph: GraphModule) -> bool:
    """Apply the rewrite. Return True if it changed the graph."""
    modified = False
    for node in nodes_calling(graph, ATTENTION):
        if _is_plain(node):
            edit = Editor(graph, node)
            edit.replace(_written_out(edit, node))
            modified = True
    return modified


def _is_plain(node: Node) -> bool:
    if argument(node, 4, "dropout_p", 0.0) != 0.0:
        return False
    return not argument(node, 5, "is_causal", False) or argument(node, 3, "attn_mask") is None


def _written_out(edit: Editor, node: Node) -> Node:
    query, key, value = node.args[:3]
    scale = argument(node, 6, "scale")
    scale = 1 / math.sqrt(shape_of(query)[-1]) if scale is None else scale
    factor = edit.constant_like(
        f"{node.name}_scale", torch.tensor([scale], dtype=torch.float64), query
    )
    query = edit.call(aten.mul.Tensor, query, factor)
    key, value = (_shared(edit, query, side) for side in (key, value))
    order = list(range(rank_of(key)))
    order[-2:] = reversed(order[-2:])
    scores = edit.call(aten.matmul.default, query, edit.permute(key, order))
    mask, kept = _mask(edit, node, shape_of(scores))
    if mask is not None:
        scores = edit.call(aten.add.Tensor, scores, mask)
    shares = edit.call(aten.softmax.int, scores, -1)
    if kept is not None:
        shares = edit.call(aten.mul.Tensor, shares, kept)
    return edit.reshape(edit.call(aten.matmul.default, shares, value), shape_of(node))


def _shared(edit: Editor, query: Node, side: Node) -> Node:
    """Repeat the heads of keys or values that are shared by several heads of queries."""
    if rank_of(side) < 3 or rank_of(side) != rank_of(query):
        return side
    heads, own = shape_of(query)[-3], shape_of(side)[-3]
    if heads == own or own == 1:  # a product broadcasts one head by itself
        return side
    return edit.call(aten.repeat_interleave.self_int, side, heads // own, -3)


def _mask(edit: Editor, node: Node, shape: list[int]) -> tuple[Node | None, Node | None]:
    """Return the mask that is added to scores, and the 0/1 factor of the rows after the softmax.

    Each is None if it is not needed.
    """
    mask = argument(node, 3, "attn_mask")
    if argument(node, 5, "is_causal", False):
        allowed = torch.ones(shape[-2:], dtype=torch.bool).tril()
    elif mask is None:
        return None, None
    elif not is_constant(mask):
        return (mask, None) if is_float(mask) else _computed(edit, node, mask)
    else:
        given = constant_tensor(edit.graph, mask)
        allowed = given if given.dtype == torch.bool else None
        if allowed is None and not (given == -math.inf).all(-1).any():
            return mask, None
    if allowed is None:
        rows = ~(given == -math.inf).all(-1, keepdim=True)
        added = torch.where(rows, given.double(), 0.0)
    else:
        rows = allowed.any(-1, keepdim=True)
        added = torch.zeros(allowed.shape).double().masked_fill(~allowed & rows, -math.inf)
    added = edit.constant_like(f"{node.name}_mask", added, node)
    if rows.all():
        return added, None
    return added, edit.constant_like(f"{node.name}_rows", rows.double(), node)


def _computed(edit: Editor, node: Node, allowed: Node) -> tuple[Node, Node]:
    """Return the addend of the scores and the factor of the rows for a computed boolean mask."""
    kept = edit.call(aten.to.dtype, allowed, node.meta["val"].dtype)
    dropped = edit.call(aten.sub.Tensor, kept, 1.0)
    added = edit.call(aten.mul.Tensor, dropped, MASKED)
    return added, edit.call(aten.amax.default, kept, [-1], True)

"""Write scaled dot-product attention out as matrix products and a softmax.

Identity:   attention(q, k, v, m) = softmax(s * q k^T + m) v,   s = 1 / sqrt(d) where not given

    q, k, v -> scaled_dot_product_attention -> y
    q -> mul(s) -> matmul(k^T) -> [add(m)] -> softmax -> matmul(v) -> y

Preconditions: no dropout, not causal, no grouped queries, a mask (if any) of floating point. Exact
up to the order of rounding. The scale stands on q, where a later rewrite can fold it into a linear.
PyTorch's own decomposition adds a test for rows that are all -inf, which no delegate takes; a
finite mask needs none.
"""

import math

import torch
from torch.fx import GraphModule, Node

from hvit_edge.lowering.graph import Editor, argument, aten, nodes_calling, rank_of, shape_of

ATTENTION = aten.scaled_dot_product_attention.default


def decompose_attention(graph: GraphModule) -> bool:
    """Apply the rewrite; returns whether anything changed."""
    modified = False
    for node in nodes_calling(graph, ATTENTION):
        if _is_plain(node):
            edit = Editor(graph, node)
            edit.replace(_written_out(edit, node))
            modified = True
    return modified


def _is_plain(node: Node) -> bool:
    mask = argument(node, 3, "attn_mask")
    return (
        argument(node, 4, "dropout_p", 0.0) == 0.0
        and not argument(node, 5, "is_causal", False)
        and not node.kwargs.get("enable_gqa", False)
        and (mask is None or mask.meta["val"].dtype.is_floating_point)
    )


def _written_out(edit: Editor, node: Node) -> Node:
    query, key, value = node.args[:3]
    scale = argument(node, 6, "scale")
    scale = 1 / math.sqrt(shape_of(query)[-1]) if scale is None else scale
    factor = edit.constant_like(
        f"{node.name}_scale", torch.tensor([scale], dtype=torch.float64), query
    )
    order = list(range(rank_of(key)))
    order[-2:] = reversed(order[-2:])
    scores = edit.call(
        aten.matmul.default, edit.call(aten.mul.Tensor, query, factor), edit.permute(key, order)
    )
    mask = argument(node, 3, "attn_mask")
    if mask is not None:
        scores = edit.call(aten.add.Tensor, scores, mask)
    return edit.call(aten.matmul.default, edit.call(aten.softmax.int, scores, -1), value)

"""Compute scaled dot-product attention, an operator since iOS 18."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from hvit_edge.coreml.operators.registry import operator


@operator("scaled_dot_product_attention")
def scaled_dot_product_attention(
    query: Tensor, key: Tensor, value: Tensor, attn_mask: Tensor | None = None
) -> Tensor:
    """Return softmax(query key^T / sqrt(E) + mask) value; shapes [B, ..., L, E] and [B, ..., S, E].

    A bool mask keeps the pairs for which it is true; any other mask is added.
    """
    scores = torch.matmul(query, key.transpose(-1, -2)) / math.sqrt(query.shape[-1])
    if attn_mask is not None and attn_mask.dtype is torch.bool:
        scores = scores.masked_fill(~attn_mask, -math.inf)
    elif attn_mask is not None:
        scores = scores + attn_mask
    return torch.matmul(torch.softmax(scores, -1), value)

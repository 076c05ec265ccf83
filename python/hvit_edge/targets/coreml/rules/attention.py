"""Scaled dot product attention, split over its heads as the Neural Engine likes it.

    q, k, v [B, heads * d, 1, N], k turned once to [B, M, 1, heads * d], each head a slice
    scores [B, M, 1, N] = k q, softmax over M, y [B, d, 1, N] = v scores, heads concatenated

One transpose for all heads, no reshape. Source: https://github.com/apple/ml-ane-transformers.
From iOS 18 on Core ML has the operator itself, which wants [B, heads, N, d].
"""

from __future__ import annotations

import math

import numpy as np
from coremltools.converters.mil import Builder as mb
from coremltools.converters.mil.mil import Var

from hvit_edge.lowering.graph import aten
from hvit_edge.targets.coreml.layout import Layout
from hvit_edge.targets.coreml.rules.registry import Call, rule
from hvit_edge.targets.coreml.values import Value, plain

SCORES = "nchw,nwhu->nchu"  # the one product that `einsum` of Core ML maps to the Neural Engine


@rule(aten.scaled_dot_product_attention.default)
def attention(call: Call) -> Value:
    """Of q [B, heads, N, d], k [B, heads, M, d], v [B, heads, M, e], mask [.., N, M] or none."""
    q, k, v = (call.tensor(position) for position in range(3))
    if call.option(5, "is_causal", False) or call.option(4, "dropout_p", 0.0):
        raise ValueError("attention without a causal mask and dropout")
    if len(q.layout.logical) != 4:
        raise ValueError("q, k and v of four dimensions")
    if not q.layout.shape[:2] == k.layout.shape[:2] == v.layout.shape[:2]:
        raise ValueError("q, k and v of the same batch and heads")
    scale = call.option(6, "scale") or 1 / math.sqrt(q.layout.shape[3])
    mask = call.array(3, "attn_mask")
    if mask is not None and mask.dtype == bool:
        mask = np.where(mask, 0, -np.inf).astype(np.float32)
    if mask is not None:
        mask = np.broadcast_to(mask, (*mask.shape[:-1], k.layout.shape[2]))
    if call.native_attention:
        return _native(q, k, v, mask, scale)
    return _by_heads(q, k, v, mask, scale)


def _by_heads(q: Value, k: Value, v: Value, mask: np.ndarray | None, scale: float) -> Value:
    heads = q.layout.shape[1]
    for value in (q, k, v):
        batch, head, places, width = value.layout.logical
        value.arrange((batch, head + width, (), places))
    queries = _chunks(mb.mul(x=q.data, y=np.float32(scale)), heads, 1)
    keys = _chunks(mb.transpose(x=k.data, perm=[0, 3, 2, 1]), heads, 3)
    values = _chunks(v.data, heads, 1)
    masks = _masks(mask, heads)
    results = []
    for query, key, value, bias in zip(queries, keys, values, masks, strict=True):
        scores = mb.einsum(values=[key, query], equation=SCORES)
        if bias is not None:
            scores = mb.add(x=scores, y=bias)
        shares = mb.softmax(x=scores, axis=1)
        results.append(mb.einsum(values=[value, shares], equation=SCORES))
    y = mb.concat(values=results, axis=1) if heads > 1 else results[0]
    batch, head, places, _ = q.layout.logical
    width = v.layout.logical[3]
    return Value(y, Layout((batch, head, places, width), (batch, head + width, (), places)))


def _chunks(x: Var, count: int, axis: int) -> list[Var]:
    return list(mb.split(x=x, num_splits=count, axis=axis)) if count > 1 else [x]


def _masks(mask: np.ndarray | None, heads: int) -> list[np.ndarray | None]:
    """What is added to the scores [B, M, 1, N] of each head."""
    if mask is None:
        return [None] * heads
    mask = mask.reshape((1,) * (4 - mask.ndim) + mask.shape)
    spread = np.broadcast_to(mask, (mask.shape[0], heads, *mask.shape[2:]))
    return [np.ascontiguousarray(spread[:, at, None].transpose(0, 3, 1, 2)) for at in range(heads)]


def _native(q: Value, k: Value, v: Value, mask: np.ndarray | None, scale: float) -> Value:
    """Core ML's operator scales by the width of a head; another scale goes to the queries."""
    for value in (q, k, v):
        plain(value)
    own = 1 / math.sqrt(q.layout.shape[3])
    queries = q.data if scale == own else mb.mul(x=q.data, y=np.float32(scale / own))
    masked = {} if mask is None else {"attn_mask": mask}
    y = mb.scaled_dot_product_attention(query=queries, key=k.data, value=v.data, **masked)
    logical = (*q.layout.logical[:3], v.layout.logical[3])
    return Value(y, Layout(logical, logical))

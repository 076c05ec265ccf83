"""Translate scaled dot-product attention, split over its heads as the Neural Engine prefers.

    q, k, v [B, heads * d, 1, N], k transposed once to [B, M, 1, heads * d], each head a slice
    scores [B, M, 1, N] = k q, softmax over M, y [B, d, 1, N] = v scores, heads concatenated

There is one transpose for all heads, and no reshape. Source:
https://github.com/apple/ml-ane-transformers. Heads of keys and values that several queries share
are one slice. From iOS 18 on, Core ML has an attention operator, which reads [B, heads, N, d].
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from coremltools.converters.mil import Builder as mb
from coremltools.converters.mil.mil import Var

from hvit_edge.lowering.graph import aten
from hvit_edge.targets.coreml.layout import Layout
from hvit_edge.targets.coreml.moves import broadcast, interleaved, sliced, viewed, with_ones
from hvit_edge.targets.coreml.rules.registry import Call, rule
from hvit_edge.targets.coreml.values import Value, plain

SCORES = "nchw,nwhu->nchu"  # the only product for which Core ML runs `einsum` on the Neural Engine
MASKED = -3e4
"""The bias of a masked score: its exponential is zero, and float16 can hold it."""
COUNTED = -1e3
"""A row with a larger number than this has scores that are not masked."""
Mask = Value | np.ndarray | None


@rule(aten.scaled_dot_product_attention.default)
def attention(call: Call) -> Value:
    """Translate attention of q [.., N, d], k [.., M, d], v [.., M, e], mask [.., N, M] or none."""
    if call.option(4, "dropout_p", 0.0):
        raise ValueError("expected attention without dropout")
    lead = call.shape[:-2]
    whole = [math.prod(lead[:-1]), lead[-1] if lead else 1]
    q, k, v = (_with_heads(call.tensor(at), lead, whole) for at in range(3))
    scale = call.option(6, "scale")
    scale = 1 / math.sqrt(q.layout.shape[3]) if scale is None else scale
    mask = _mask(call, lead, whole, (q.layout.shape[2], k.layout.shape[2]))
    attend = _native if call.native_attention else _by_heads
    return viewed(attend(q, k, v, mask, scale), call.shape)


def _with_heads(x: Value, lead: Sequence[int], whole: list[int]) -> Value:
    """Return q, k or v as [batch, heads, tokens, width]; it may have fewer heads, or one."""
    own = list(x.layout.shape[:-2])
    if len(own) == 2 and own[0] == lead[0] and whole[1] % own[1] == 0:
        return x
    if own != list(lead):
        x = broadcast(with_ones(x, len(lead) + 2), [*lead, *x.layout.shape[-2:]])
    return viewed(x, [*whole, *x.layout.shape[-2:]])


def _mask(call: Call, lead: Sequence[int], whole: list[int], size: tuple[int, int]) -> Mask:
    """Return what is added to scores: constants, up to 4-D, a computed [.., .., N, M], or None."""
    given, causal = call.optional_tensor(3, "attn_mask"), call.option(5, "is_causal", False)
    if causal:
        if given is not None:
            raise ValueError("expected a causal mask or a given one, not both")
        return _finite(np.tri(*size, dtype=bool))
    if given is None:
        return None
    if not given.is_constant:
        return _computed_mask(given, lead, whole, size)
    mask = call.array(3, "attn_mask")
    mask = mask.reshape(given.layout.shape)
    if mask.ndim > 4 or len(lead) > 2:
        mask = np.broadcast_to(mask, (*lead, *size)).reshape(*whole, *size)
    return _finite(np.broadcast_to(mask, (*mask.shape[:-2], *size)))


def _finite(mask: np.ndarray) -> np.ndarray:
    """Return a mask to add, with its lowest numbers limited to what float16 holds.

    A row that is masked completely keeps its numbers.
    """
    if mask.dtype == bool:
        mask = np.where(mask, 0, -np.inf)
    mask = mask.astype(np.float32)
    counts = mask.max(axis=-1, keepdims=True) > COUNTED
    return np.where(counts, np.maximum(mask, np.float32(MASKED)), mask)


def _computed_mask(
    mask: Value, lead: Sequence[int], whole: list[int], size: tuple[int, int]
) -> Value:
    if not mask.is_float:
        counted = mb.cast(x=mask.data, dtype="fp32")
        below = mb.mul(x=mb.sub(x=np.float32(1), y=counted), y=np.float32(MASKED))
        mask = Value(below, mask.layout)
    mask = with_ones(mask, len(lead) + 2)
    if len(lead) != 2:
        mask = viewed(broadcast(mask, [*lead, *size]), [*whole, *size])
    return broadcast(mask, [*mask.layout.shape[:2], *size])


def _by_heads(q: Value, k: Value, v: Value, mask: Mask, scale: float) -> Value:
    heads = q.layout.shape[1]
    for value in (q, k, v):
        batch, head, places, width = value.layout.logical
        value.arrange((batch, head + width, (), places))
    queries = _chunks(mb.mul(x=q.data, y=np.float32(scale)), heads, 1, heads)
    turned = mb.transpose(x=k.data, perm=[0, 3, 2, 1])
    keys = _chunks(turned, k.layout.shape[1], 3, heads)
    values = _chunks(v.data, v.layout.shape[1], 1, heads)
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


def _chunks(x: Var, count: int, axis: int, heads: int) -> list[Var]:
    """Return a slice for each of `heads`; several heads in a row may share one."""
    parts = list(mb.split(x=x, num_splits=count, axis=axis)) if count > 1 else [x]
    return [part for part in parts for _ in range(heads // count)]


def _masks(mask: Mask, heads: int) -> list[np.ndarray | Var | None]:
    """Return what is added to the scores [B, M, 1, N] of each head."""
    if mask is None:
        return [None] * heads
    if isinstance(mask, Value):
        return _computed_masks(mask, heads)
    whole: np.ndarray = mask.reshape((1,) * (4 - mask.ndim) + mask.shape)
    spread = np.broadcast_to(whole, (whole.shape[0], heads, *whole.shape[2:]))
    return [np.ascontiguousarray(spread[:, at, None].transpose(0, 3, 1, 2)) for at in range(heads)]


def _computed_masks(mask: Value, heads: int) -> list[Var]:
    own = mask.layout.shape[1]
    parts = []
    for at in range(own):
        part = sliced(mask, 1, at, at + 1)
        batch, _, queries, keys = part.layout.logical
        part = Value(part.data, part.layout)
        part.arrange((batch, keys, (), queries))
        parts.append(part.data)
    return parts * (heads // own)


def _native(q: Value, k: Value, v: Value, mask: Mask, scale: float) -> Value:
    """Call Core ML's operator; it scales by the head width, so another scale goes to
    the queries.
    """
    heads = q.layout.shape[1]
    k, v = (
        interleaved(x, 1, heads // x.layout.shape[1]) if x.layout.shape[1] < heads else x
        for x in (k, v)
    )
    for value in (q, k, v):
        plain(value)
    own = 1 / math.sqrt(q.layout.shape[3])
    queries = q.data if scale == own else mb.mul(x=q.data, y=np.float32(scale / own))
    if isinstance(mask, Value):
        plain(mask)
    added = mask.data if isinstance(mask, Value) else mask
    masked = {} if added is None else {"attn_mask": added}
    y = mb.scaled_dot_product_attention(query=queries, key=k.data, value=v.data, **masked)
    logical = (*q.layout.logical[:3], v.layout.logical[3])
    return Value(y, Layout(logical, logical))

"""Lower scaled dot-product attention to operations.

One operation computes scores, softmax and values of a head together if the bias of its scores is
constant and its rows are short enough. Otherwise attention is lowered to products of matrices and a
softmax:

    softmax(q k^T * scale + mask) v
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch.fx import Node

from hvit_edge.lowering.graph import argument, aten, is_constant, shape_of
from hvit_edge.targets.native import operations as ops
from hvit_edge.targets.native.emitter import Emitter, refuse
from hvit_edge.targets.native.kinds import Arithmetic, Reduce
from hvit_edge.targets.native.lower_matmul import multiply, regular_matrices
from hvit_edge.targets.native.lower_reductions import reduce, soften
from hvit_edge.targets.native.operations import Matrices
from hvit_edge.targets.native.plan_limits import MOST_KEYS, MOST_WIDTH
from hvit_edge.targets.native.scratch import attention_values
from hvit_edge.targets.native.values import Buffer, Value, constant_value, filled, fresh

MASKED = -3e4
"""The bias of a masked score: its exponential is zero, and float16 can hold it."""


def lower_attention(emit: Emitter, node: Node) -> None:
    if argument(node, 4, "dropout_p", 0.0):
        raise refuse(node, "attention with dropout")
    query, key, value = (_with_heads(emit, node, i) for i in range(3))
    batch, heads, queries, width = query.shape
    keys, value_width = value.shape[2:]
    scale = argument(node, 6, "scale")
    scale = width**-0.5 if scale is None else scale
    bias = _bias(emit, node, (batch, heads, queries, keys))
    fits = keys <= MOST_KEYS and max(width, value_width) <= MOST_WIDTH
    if not fits or isinstance(bias, Value):
        _as_products(emit, node, (query, key, value), bias, scale)
        _forget_lonely(emit, node)
        return
    q, k, v = (regular_matrices(emit, node, source) for source in (query, key, value))
    # The heads are side by side, as the operator after attention merges them.
    merged = fresh((batch, queries, heads, value_width))
    merged = Value(merged.buffer, merged.places.transpose(0, 2, 1, 3))
    output = Matrices(merged.buffer, merged.places[:, :, 0, 0].ravel(), heads * value_width)
    biases, bias_of = _distinct(bias)
    operation = ops.Attention(
        batch * heads,
        queries,
        keys,
        width,
        value_width,
        q,
        k,
        v,
        output,
        biases,
        bias_of,
        scale,
        Buffer(attention_values(batch * heads, keys, width, value_width)),
    )
    emit.put(node, operation, Value(merged.buffer, merged.places.reshape(shape_of(node))))


def _with_heads(emit: Emitter, node: Node, position: int) -> Value:
    """Return q, k or v as [batch, heads, tokens, width]; shared heads are repeated."""
    value = emit.value(node.args[position])
    places = value.places
    lead = tuple(shape_of(node)[:-2])
    if node.kwargs.get("enable_gqa"):
        places = np.repeat(places, lead[-1] // places.shape[-3], axis=-3)
    places = np.broadcast_to(places, (*lead, *places.shape[-2:]))
    batch, heads = math.prod(lead[:-1]), lead[-1] if lead else 1
    return Value(value.buffer, places.reshape(batch, heads, *places.shape[-2:]))


def _bias(emit: Emitter, node: Node, shape: tuple[int, int, int, int]) -> np.ndarray | Value | None:
    """Return what is added to scores, in their shape: float32 constants, a computed
    value, or None.
    """
    mask = argument(node, 3, "attn_mask")
    causal = argument(node, 5, "is_causal", False)
    if mask is None and not causal:
        return None
    whole = (*shape_of(node)[:-2], *shape[2:])
    if mask is not None and not is_constant(mask):
        if causal:
            raise refuse(node, "attention with a computed mask that is also causal")
        value = emit.value(mask)
        if not mask.meta["val"].is_floating_point():
            emit.select(node, value, filled((1,), 0.0), filled((1,), MASKED))
            value = emit.value(node)
        return Value(value.buffer, np.broadcast_to(value.places, whole).reshape(shape))
    values = torch.zeros(()) if mask is None else emit.constant(mask)
    if not values.is_floating_point():
        values = torch.zeros(values.shape).masked_fill(~values.bool(), -math.inf)
    bias = np.broadcast_to(values.float().numpy(), whole).reshape(shape)
    if causal:
        bias = np.where(np.tri(*shape[2:], dtype=bool), bias, -np.inf)
    if (bias <= MASKED).all(axis=-1).any():
        raise refuse(node, "attention in which a query has no key")
    return np.maximum(bias, np.float32(MASKED)) if np.isinf(bias).any() else bias


def _distinct(bias: np.ndarray | None) -> tuple[np.ndarray | None, np.ndarray | None]:
    """Return the distinct matrices that are added to scores, and the index of each
    head's matrix.
    """
    if bias is None:
        return None, None
    whole = bias.reshape(-1, *bias.shape[2:])
    distinct: dict[bytes, int] = {}
    which = [distinct.setdefault(matrix.tobytes(), len(distinct)) for matrix in whole]
    first = [which.index(number) for number in range(len(distinct))]
    return whole[first], np.array(which, np.int64)


def _as_products(
    emit: Emitter,
    node: Node,
    sources: tuple[Value, Value, Value],
    bias: np.ndarray | Value | None,
    scale: float,
) -> None:
    query, key, value = sources
    across = Value(key.buffer, key.places.swapaxes(-1, -2))
    emit.put(node, *multiply(emit, node, query, across, scale))
    if bias is not None:
        added = bias if isinstance(bias, Value) else constant_value(bias)
        emit.calculate(node, Arithmetic.ADD, emit.value(node), added)
    soften(emit, node, emit.value(node), 3)
    operation, output = multiply(emit, node, emit.value(node), value)
    emit.put(node, operation, Value(output.buffer, output.places.reshape(shape_of(node))))


def _forget_lonely(emit: Emitter, node: Node) -> None:
    """Set the answer to a query to zero if a computed boolean mask leaves it no key."""
    mask = argument(node, 3, "attn_mask")
    if mask is None or is_constant(mask) or mask.meta["val"].is_floating_point():
        return
    output, allowed = emit.value(node), emit.value(mask)
    reduce(emit, node, allowed, [allowed.places.ndim - 1], Reduce.MAXIMUM)
    any_key = emit.value(node)
    places = np.broadcast_to(any_key.places, (*shape_of(node)[:-1], 1))
    emit.calculate(node, Arithmetic.MULTIPLY, output, Value(any_key.buffer, places))


LOWERINGS = {aten.scaled_dot_product_attention.default: lower_attention}

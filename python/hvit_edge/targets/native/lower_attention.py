"""How scaled dot-product attention becomes an operation."""

from __future__ import annotations

import numpy as np
from torch.fx import Node

from hvit_edge.lowering.graph import argument, aten, is_constant, shape_of
from hvit_edge.targets.native import operations as ops
from hvit_edge.targets.native.emitter import Emitter, refuse
from hvit_edge.targets.native.operations import Matrices
from hvit_edge.targets.native.values import Buffer, Value, fresh

MOST_KEYS = 4096
MOST_WIDTH = 256


def lower_attention(emit: Emitter, node: Node) -> None:
    dropout, causal = argument(node, 4, "dropout_p", 0.0), argument(node, 5, "is_causal", False)
    if dropout or causal or len(shape_of(node)) != 4 or node.kwargs.get("enable_gqa"):
        raise refuse(node, "attention with dropout, a causal mask or shared heads")
    query, key, value = (_matrices(emit, node, source) for source in node.args[:3])
    batch, heads, queries, width = shape_of(node.args[0])
    keys, value_width = shape_of(node.args[2])[2:]
    if shape_of(node.args[1])[:2] != [batch, heads] or keys > MOST_KEYS:
        raise refuse(node, f"attention over {keys} keys, or of shared heads")
    if max(width, value_width) > MOST_WIDTH:
        raise refuse(node, f"attention with heads of {max(width, value_width)}")
    # Heads side by side, as they are merged behind it.
    merged = fresh((batch, queries, heads, value_width))
    merged = Value(merged.buffer, merged.places.transpose(0, 2, 1, 3))
    output = Matrices(merged.buffer, merged.places[:, :, 0, 0].ravel(), heads * value_width)
    biases, bias_of = _biases(emit, node, (batch, heads, queries, keys))
    panels = -(-keys // ops.PANEL) * ops.PANEL * width
    panels += -(-value_width // ops.PANEL) * ops.PANEL * keys
    scale = argument(node, 6, "scale") or node.kwargs.get("scale") or width**-0.5
    sizes = (batch * heads, queries, keys, width, value_width)
    scratch = Buffer(batch * heads * panels)
    operation = ops.Attention(
        *sizes, query, key, value, output, biases, bias_of, scale, scratch=scratch
    )
    emit.put(node, operation, merged)


def _matrices(emit: Emitter, node: Node, source: Node) -> Matrices:
    """Heads whose tokens are a fixed way apart; copied where they are not."""
    value = emit.with_rows(emit.value(source), -1, node)
    places = value.places[..., 0]
    steps = np.diff(places, axis=-1)
    if steps.size and not (len(np.unique(steps)) == 1 and steps.flat[0] > 0):
        copied = fresh(value.shape)
        emit.copy(node, value, copied, -1)
        value, places = copied, copied.places[..., 0]
        steps = np.diff(places, axis=-1)
    stride = int(steps.flat[0]) if steps.size else value.shape[-1]
    return Matrices(value.buffer, places[..., 0].ravel(), stride)


def _biases(
    emit: Emitter, node: Node, shape: tuple[int, int, int, int]
) -> tuple[np.ndarray | None, np.ndarray | None]:
    """The distinct matrices that are added to scores, and which of them each head has."""
    mask = argument(node, 3, "attn_mask")
    if mask is None:
        return None, None
    if not is_constant(mask):
        raise refuse(node, "attention with a mask that is computed")
    values = emit.constant(mask)
    if not values.is_floating_point():
        raise refuse(node, "attention with a mask of booleans")
    whole = np.broadcast_to(values.float().numpy(), shape).reshape(-1, *shape[2:])
    distinct: dict[bytes, int] = {}
    which = [distinct.setdefault(matrix.tobytes(), len(distinct)) for matrix in whole]
    first = [which.index(number) for number in range(len(distinct))]
    return whole[first], np.array(which, np.int64)


LOWERINGS = {aten.scaled_dot_product_attention.default: lower_attention}

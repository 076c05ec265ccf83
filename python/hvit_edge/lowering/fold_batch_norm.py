"""Fold batch norm into the convolution before it.

Identity:   s * (conv(x, W, b) - mean) + beta = conv(x, s * W, s * (b - mean) + beta),
            s = gamma / sqrt(var + eps)

    x -> conv2d(W, b) -> batch_norm -> y      x -> conv2d(W', b') -> y
    x -> batch_norm -> y                      x -> mul(s) -> add(t) -> y      (nothing to fold into)

Preconditions: inference statistics. The convolution has constant weights and no other user;
otherwise the second form is used. Folded in float64, exact up to one rounding of each weight.
"""

import torch
from torch.fx import GraphModule, Node

from hvit_edge.lowering.graph import (
    Editor,
    argument,
    aten,
    constant_tensor,
    has_constant_weights,
    is_call,
    layer_constants,
    nodes_calling,
    rank_of,
)


def fold_batch_norm(graph: GraphModule) -> bool:
    """Apply the rewrite. Return True if it changed the graph."""
    modified = False
    for node in nodes_calling(graph, aten.batch_norm.default):
        if argument(node, 5, "training") is not False:
            continue
        scale, shift = _scale_and_shift(graph, node)
        edit = Editor(graph, node)
        if _can_fold_into(node.args[0]):
            edit.replace(_folded_convolution(edit, node.args[0], scale, shift))
        else:
            edit.replace(_affine(edit, node, scale, shift))
        modified = True
    return modified


def _scale_and_shift(graph: GraphModule, node: Node) -> tuple[torch.Tensor, torch.Tensor]:
    """Return scale and shift of the norm as y = scale * x + shift, float64 [channels]."""
    mean, var = (constant_tensor(graph, node.args[i]).double() for i in (3, 4))
    scale = torch.rsqrt(var + argument(node, 7, "eps"))
    if node.args[1] is not None:
        scale = scale * constant_tensor(graph, node.args[1]).double()
    shift = -mean * scale
    if node.args[2] is not None:
        shift = shift + constant_tensor(graph, node.args[2]).double()
    return scale, shift


def _can_fold_into(source: Node) -> bool:
    return (
        is_call(source, aten.conv2d.default, aten.conv2d.padding)
        and has_constant_weights(source)
        and len(source.users) == 1
    )


def _folded_convolution(edit: Editor, conv: Node, scale: torch.Tensor, shift: torch.Tensor) -> Node:
    weight, bias = layer_constants(edit.graph, conv)
    if bias is not None:
        shift = shift + scale * bias
    return edit.layer(conv, weight * scale.reshape(-1, 1, 1, 1), shift)


def _affine(edit: Editor, node: Node, scale: torch.Tensor, shift: torch.Tensor) -> Node:
    shape = [1, -1] + [1] * (rank_of(node) - 2)
    gain = edit.constant_like(f"{node.name}_scale", scale.reshape(shape), node)
    offset = edit.constant_like(f"{node.name}_shift", shift.reshape(shape), node)
    return edit.call(aten.add.Tensor, edit.call(aten.mul.Tensor, node.args[0], gain), offset)

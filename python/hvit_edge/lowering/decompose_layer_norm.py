"""Decompose layer norm and RMS norm, with averages computed by a linear.

Identity:   layer_norm(x) = c * rsqrt(mean(c^2) + eps) * gamma + beta,   c = x - mean(x),
            mean(x) = linear(x, [[1/C, ..., 1/C]])

    x -> layer_norm -> y
    x -> linear(1/C) -> sub -> c
    c -> mul(c) -> linear(1/C, eps) -> rsqrt -> mul(c) -> mul(gamma) -> add(beta) -> y

`rms_norm` is the same without the subtraction: c = x.

Preconditions: only the last dimension is normalized. The epsilon is the bias of the second average.
Exact up to the order of rounding. XNNPACK has no layer norm, and its mean is only over the plane of
an image. A linear can average over channels.
"""

import torch
from torch.fx import GraphModule, Node

from hvit_edge.lowering.graph import Editor, argument, aten, nodes_calling, shape_of


def decompose_layer_norm(graph: GraphModule) -> bool:
    """Apply the rewrite. Return True if it changed the graph."""
    modified = False
    for node in nodes_calling(graph, aten.layer_norm.default, aten.rms_norm.default):
        if list(node.args[1]) == shape_of(node)[-1:]:
            edit = Editor(graph, node)
            edit.replace(_affine(edit, node, _normalized(edit, node)))
            modified = True
    return modified


def _normalized(edit: Editor, node: Node) -> Node:
    source, channels = node.args[0], shape_of(node)[-1]
    row = torch.full((1, channels), 1 / channels, dtype=torch.float64)
    average = edit.constant_like(f"{node.name}_average", row, node)
    if node.target is aten.rms_norm.default:
        centered, added = source, argument(node, 3, "eps")
        added = torch.finfo(node.meta["val"].dtype).eps if added is None else added
    else:
        mean = edit.call(aten.linear.default, source, average)
        centered, added = edit.call(aten.sub.Tensor, source, mean), argument(node, 4, "eps", 1e-5)
    epsilon = torch.tensor([added], dtype=torch.float64)
    squared = edit.call(aten.mul.Tensor, centered, centered)
    bias = edit.constant_like(f"{node.name}_epsilon", epsilon, node)
    variance = edit.call(aten.linear.default, squared, average, bias)
    return edit.call(aten.mul.Tensor, centered, edit.call(aten.rsqrt.default, variance))


def _affine(edit: Editor, node: Node, normalized: Node) -> Node:
    has_bias = node.target is aten.layer_norm.default
    weight = argument(node, 2, "weight")
    bias = argument(node, 3, "bias") if has_bias else None
    if weight is not None:
        normalized = edit.call(aten.mul.Tensor, normalized, weight)
    if bias is not None:
        normalized = edit.call(aten.add.Tensor, normalized, bias)
    return normalized

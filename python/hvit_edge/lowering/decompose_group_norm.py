"""Write group norm, instance norm and layer norm over a whole map out with means over a plane.

Identity:   group_norm(x) = c * rsqrt(mean(c^2) + eps) * gamma + beta,   c = x - mean(x),
            the means over the channels of one group and all of their pixels

    x [N, C, ...] -> group_norm(G) -> y
    x -> reshape [N, G, C / G, pixels] -> mean(2, 3) -> sub -> c
    c -> mul(c) -> mean(2, 3) -> add(eps) -> rsqrt -> mul(c) -> reshape -> mul(gamma) -> add(beta)

Instance norm has a group for each channel, a layer norm over the dimensions after the first one
group for all of them. XNNPACK has none of the three, and averages over the plane of an image.

Preconditions: statistics of the input itself; a layer norm over more than the last dimension. Exact
up to the order of rounding.
"""

from __future__ import annotations

import math

import torch
from torch.fx import GraphModule, Node

from hvit_edge.lowering.graph import Editor, argument, aten, nodes_calling, rank_of, shape_of

GROUP, INSTANCE = aten.group_norm.default, aten.instance_norm.default
LAYER = aten.layer_norm.default


def decompose_group_norm(graph: GraphModule) -> bool:
    """Apply the rewrite; returns whether anything changed."""
    modified = False
    for node in nodes_calling(graph, GROUP, INSTANCE, LAYER):
        groups = _groups(node)
        if groups is not None:
            edit = Editor(graph, node)
            edit.replace(_affine(edit, node, _normalized(edit, node, *groups)))
            modified = True
    return modified


def _groups(node: Node) -> tuple[int, float] | None:
    """The number of groups of the whole tensor, and the epsilon; None where it is another norm."""
    shape = shape_of(node)
    if node.target is GROUP:
        return shape[0] * node.args[1], argument(node, 4, "eps", 1e-5)
    if node.target is INSTANCE:
        return (shape[0] * shape[1], argument(node, 7, "eps")) if node.args[5] else None
    normalized = list(node.args[1])
    if len(normalized) < 2:
        return None
    return math.prod(shape) // math.prod(normalized), argument(node, 4, "eps", 1e-5)


def _normalized(edit: Editor, node: Node, groups: int, epsilon: float) -> Node:
    shape = shape_of(node)
    plane = [1, groups, 1, math.prod(shape) // groups]
    x = edit.reshape(node.args[0], plane)
    centred = edit.call(aten.sub.Tensor, x, edit.call(aten.mean.dim, x, [2, 3], True))
    squared = edit.call(aten.mul.Tensor, centred, centred)
    variance = edit.call(aten.mean.dim, squared, [2, 3], True)
    added = torch.full((1, 1, 1, 1), epsilon, dtype=torch.float64)
    variance = edit.call(
        aten.add.Tensor, variance, edit.constant_like(f"{node.name}_epsilon", added, node)
    )
    normalized = edit.call(aten.mul.Tensor, centred, edit.call(aten.rsqrt.default, variance))
    return edit.reshape(normalized, shape)


def _affine(edit: Editor, node: Node, normalized: Node) -> Node:
    first = {GROUP: 2, INSTANCE: 1, LAYER: 2}[node.target]
    weight, bias = argument(node, first, "weight"), argument(node, first + 1, "bias")
    for factor, operator in ((weight, aten.mul.Tensor), (bias, aten.add.Tensor)):
        if factor is not None:
            if node.target is not LAYER:
                factor = edit.reshape(factor, [1, -1, *[1] * (rank_of(node) - 2)])
            normalized = edit.call(operator, normalized, factor)
    return normalized

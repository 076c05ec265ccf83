"""Decompose group norm, instance norm and layer norm over a full map into means over a plane.

Identity:   group_norm(x) = c * rsqrt(mean(c^2) + eps) * gamma + beta,   c = x - mean(x),
            the means over the channels of one group and all of their pixels

    x [N, C, H, W] -> group_norm(G) -> y
    x -> mean(2, 3) -> linear(1 / channels of a group) -> sub -> c
    c -> mul(c) -> mean(2, 3) -> linear(the same, eps) -> rsqrt -> mul(gamma) -> mul(c) -> add(beta)

The mean of a group is the mean of its channels' means. This way maps keep their memory layout.

Instance norm has one group per channel. A layer norm over the dimensions after the first has one
group for all channels. XNNPACK has none of the three, but it averages over the plane of an image.

Preconditions: the norm uses the statistics of its input; a layer norm is over more than the last
dimension. Exact up to the order of rounding.
"""

from __future__ import annotations

import math

import torch
from torch.fx import GraphModule, Node

from hvit_edge.lowering.graph import Editor, argument, aten, nodes_calling, shape_of

GROUP, INSTANCE = aten.group_norm.default, aten.instance_norm.default
LAYER = aten.layer_norm.default


def decompose_group_norm(graph: GraphModule) -> bool:
    """Apply the rewrite. Return True if it changed the graph."""
    modified = False
    for node in nodes_calling(graph, GROUP, INSTANCE, LAYER):
        groups = _groups(node)
        if groups is not None:
            edit = Editor(graph, node)
            edit.replace(_normalized(edit, node, *groups))
            modified = True
    return modified


def _groups(node: Node) -> tuple[list[int], int, float] | None:
    """Return the shape [N, C, H, W], the number of groups and the epsilon; None for other norms.

    The plane [H, W] of each channel is averaged first, then the channels of a group.
    """
    shape = shape_of(node)
    if node.target is LAYER:
        normalized = list(node.args[1])
        if len(normalized) < 2:
            return None
        epsilon, groups = argument(node, 4, "eps", 1e-5), 1
        batch = math.prod(shape) // math.prod(normalized)
        plane = normalized[1:] if len(normalized) > 2 else [1, normalized[1]]
        return _map([batch, normalized[0], *plane]), groups, epsilon
    if node.target is GROUP:
        return _map(shape), node.args[1], argument(node, 4, "eps", 1e-5)
    return (_map(shape), shape[1], argument(node, 7, "eps")) if node.args[5] else None


def _map(shape: list[int]) -> list[int]:
    """Return `shape` merged or extended to four dimensions."""
    if len(shape) < 4:
        return [*shape[:2], 1, math.prod(shape[2:])]
    return [*shape[:3], math.prod(shape[3:])]


def _normalized(edit: Editor, node: Node, shape: list[int], groups: int, epsilon: float) -> Node:
    x = edit.reshape(node.args[0], shape)
    centered = edit.call(aten.sub.Tensor, x, _mean(edit, node, x, groups, None))
    squared = edit.call(aten.mul.Tensor, centered, centered)
    variance = _mean(edit, node, squared, groups, epsilon)
    factor = edit.call(aten.rsqrt.default, variance)
    gamma, beta = _affine(edit, node)
    of_channels = node.target is not LAYER
    if of_channels and gamma is not None:  # one pass over the map instead of two
        factor = edit.call(aten.mul.Tensor, factor, gamma)
    normalized = edit.call(aten.mul.Tensor, centered, factor)
    if of_channels:
        if beta is not None:
            normalized = edit.call(aten.add.Tensor, normalized, beta)
        return edit.reshape(normalized, shape_of(node))
    normalized = edit.reshape(normalized, shape_of(node))
    if gamma is not None:
        normalized = edit.call(aten.mul.Tensor, normalized, gamma)
    return normalized if beta is None else edit.call(aten.add.Tensor, normalized, beta)


def _mean(edit: Editor, node: Node, x: Node, groups: int, added: float | None) -> Node:
    """Average over planes, then over the channels of each group.

    The result is [N, C, 1, 1], or [N, 1, 1, 1] if there is one group.
    """
    batch, channels = shape_of(x)[:2]
    means = edit.call(aten.mean.dim, x, [2, 3], True)
    if groups == channels:
        return means if added is None else edit.call(aten.add.Tensor, means, added)
    own = channels // groups
    rows = torch.eye(groups, dtype=torch.float64) / own
    weight = rows.repeat_interleave(own, 1)
    if groups > 1:
        weight = weight.repeat_interleave(own, 0)
    arguments = [edit.constant_like(f"{node.name}_average", weight, node)]
    if added is not None:
        epsilon = torch.full((len(weight),), added, dtype=torch.float64)
        arguments.append(edit.constant_like(f"{node.name}_epsilon", epsilon, node))
    averages = edit.call(aten.linear.default, edit.reshape(means, [batch, channels]), *arguments)
    return edit.reshape(averages, [batch, len(weight), 1, 1])


def _affine(edit: Editor, node: Node) -> tuple[Node | None, Node | None]:
    """Return gamma and beta, or None for each that is missing.

    They have the shape [1, C, 1, 1], but for a layer norm the shape of its parameters.
    """
    first = {GROUP: 2, INSTANCE: 1, LAYER: 2}[node.target]
    found = [argument(node, first, "weight"), argument(node, first + 1, "bias")]
    if node.target is not LAYER:
        found = [part and edit.reshape(part, [1, shape_of(part)[0], 1, 1]) for part in found]
    return found[0], found[1]

"""Replace SiLU with an exponential or a hyperbolic tangent, whose Arm kernels are shorter.

Identity:   x * sigmoid(x) = u / (-1 - exp(u)),    u = -x
                           = u * (tanh(u) + 1),    u = x / 2

    x -> conv(W, b) -> silu -> y
    x -> conv(-W, -b) -> u -> exp -> (-1 - .) -> (u / .) -> y
    x -> conv(W / 2, b / 2) -> u -> tanh -> (. + 1) -> (u * .) -> y

The sigmoid of XNNPACK's Arm kernels reads a table; these two functions do not. If exp(u) overflows,
the result is zero, which is the limit of SiLU. In float16 it overflows early, so the tangent is
used there.

Preconditions: SiLU is the only reader of a linear or convolution with constant weights. Folded in
float64; the factors -1 and 1/2 are exact.
"""

from __future__ import annotations

import torch
from torch.fx import GraphModule, Node

from hvit_edge.lowering.graph import (
    Editor,
    aten,
    has_constant_weights,
    is_call,
    layer_constants,
    nodes_calling,
    only_user,
    shape_of,
)


def silu_by_exp(graph: GraphModule) -> bool:
    """Apply the rewrite with an exponential. Return True if it changed the graph."""
    modified = False
    for node, layer in _candidates(graph):
        u = _scaled(Editor(graph, layer), layer, -1.0)
        edit = Editor(graph, node)
        minus_one = edit.constant_like("minus_one", -torch.ones([1] * len(shape_of(u))), node)
        divisor = edit.call(aten.sub.Tensor, minus_one, edit.call(aten.exp.default, u))
        edit.replace(edit.call(aten.div.Tensor, u, divisor))
        modified = True
    return modified


def silu_by_tanh(graph: GraphModule) -> bool:
    """Apply the rewrite with a hyperbolic tangent. Return True if it changed the graph."""
    modified = False
    for node, layer in _candidates(graph):
        u = _scaled(Editor(graph, layer), layer, 0.5)
        edit = Editor(graph, node)
        one = edit.constant_like("one", torch.ones([1] * len(shape_of(u))), node)
        factor = edit.call(aten.add.Tensor, edit.call(aten.tanh.default, u), one)
        edit.replace(edit.call(aten.mul.Tensor, u, factor))
        modified = True
    return modified


def _candidates(graph: GraphModule) -> list[tuple[Node, Node]]:
    """Return each SiLU that is the only reader of a layer, with that layer."""
    pairs = [(node, node.args[0]) for node in nodes_calling(graph, aten.silu.default)]
    return [
        (node, layer)
        for node, layer in pairs
        if is_call(layer, aten.conv2d.default, aten.linear.default)
        and has_constant_weights(layer)
        and only_user(layer) is node
    ]


def _scaled(edit: Editor, layer: Node, factor: float) -> Node:
    """Replace `layer` with one whose weights and bias are multiplied by `factor`; return it."""
    weight, bias = layer_constants(edit.graph, layer)
    scaled = edit.layer(layer, weight * factor, None if bias is None else bias * factor)
    edit.replace(scaled)
    return scaled

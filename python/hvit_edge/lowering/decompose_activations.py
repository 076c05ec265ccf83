"""Decompose activations that XNNPACK does not have, or that ExecuTorch lowers as other ones.

Identity:   gelu_tanh(x) = x (1 + tanh(a (x + b x^3))) / 2
            elu(x) = s (max(x, 0) + a (exp(min(t x, 0)) - 1)),    glu([u, v]) = u sigmoid(v)
            selu(x), celu(x) = elu(x) with their own factors
            softplus(x) = max(x, 0) + log(1 + exp(-|x|)),    mish(x) = x tanh(softplus(x))
            logsigmoid(x) = -softplus(-x)
            prelu(x) = max(x, 0) - a max(-x, 0),    of any rank but four

ExecuTorch lowers the tanh form of GELU as the exact GELU, which is a different function. It leaves
ELU outside the delegate, and refuses a graph with a PReLU of other than four dimensions.

Preconditions: floating point. Exact up to rounding.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from torch.fx import GraphModule, Node

from hvit_edge.lowering.graph import (
    Editor,
    Operator,
    argument,
    aten,
    is_float,
    rank_of,
    replace_each,
    shape_of,
)

SELU_ALPHA, SELU_SCALE = 1.6732632423543772848170429916717, 1.0507009873554804934193349852946


def decompose_activations(graph: GraphModule) -> bool:
    """Apply the rewrite. Return True if it changed the graph."""
    return replace_each(graph, ACTIVATIONS, where=is_float)


def _gelu(edit: Editor, node: Node) -> Node | None:
    if argument(node, 1, "approximate", "none") != "tanh":
        return None
    x = node.args[0]
    cubed = edit.call(aten.mul.Tensor, edit.call(aten.mul.Tensor, x, x), 0.044715)
    inner = edit.call(aten.mul.Tensor, x, edit.call(aten.add.Tensor, cubed, 1))
    inner = edit.call(aten.mul.Tensor, inner, math.sqrt(2 / math.pi))
    share = edit.call(aten.add.Tensor, edit.call(aten.tanh.default, inner), 1)
    return edit.call(aten.mul.Tensor, edit.call(aten.mul.Tensor, x, 0.5), share)


def _scaled_elu(edit: Editor, node: Node) -> Node:
    alpha, scale, before = (argument(node, place, name, 1) for place, name in _ELU)
    return _elu(edit, node.args[0], alpha, scale, before)


_ELU = ((1, "alpha"), (2, "scale"), (3, "input_scale"))


def _elu(edit: Editor, x: Node, alpha: float, scale: float, before: float) -> Node:
    depth = edit.call(aten.relu.default, edit.call(aten.neg.default, x))
    power = edit.call(aten.exp.default, edit.call(aten.mul.Tensor, depth, -before))
    below = edit.call(aten.mul.Tensor, edit.call(aten.sub.Tensor, power, 1), alpha)
    result = edit.call(aten.add.Tensor, edit.call(aten.relu.default, x), below)
    return edit.call(aten.mul.Tensor, result, scale) if scale != 1 else result


def _selu(edit: Editor, node: Node) -> Node:
    return _elu(edit, node.args[0], SELU_ALPHA, SELU_SCALE, 1)


def _celu(edit: Editor, node: Node) -> Node:
    alpha = argument(node, 1, "alpha", 1.0)
    return _elu(edit, node.args[0], alpha, 1, 1 / alpha)


def _glu(edit: Editor, node: Node) -> Node:
    source, dim = node.args[0], argument(node, 1, "dim", -1) % rank_of(node)
    half = shape_of(source)[dim] // 2
    value = edit.call(aten.slice.Tensor, source, dim, 0, half)
    gate = edit.call(aten.slice.Tensor, source, dim, half, 2 * half)
    return edit.call(aten.mul.Tensor, value, edit.call(aten.sigmoid.default, gate))


def _softplus(edit: Editor, node: Node) -> Node | None:
    beta, threshold = argument(node, 1, "beta", 1), argument(node, 2, "threshold", 20)
    if beta * threshold < 20:  # the step at the threshold is then visible
        return None
    x = node.args[0] if beta == 1 else edit.call(aten.mul.Tensor, node.args[0], beta)
    result = _plain_softplus(edit, x)
    return result if beta == 1 else edit.call(aten.div.Tensor, result, beta)


def _plain_softplus(edit: Editor, x: Node) -> Node:
    small = edit.call(aten.neg.default, edit.call(aten.abs.default, x))
    rest = edit.call(aten.add.Tensor, edit.call(aten.exp.default, small), 1)
    rest = edit.call(aten.log.default, rest)
    return edit.call(aten.add.Tensor, edit.call(aten.relu.default, x), rest)


def _mish(edit: Editor, node: Node) -> Node:
    x = node.args[0]
    return edit.call(aten.mul.Tensor, x, edit.call(aten.tanh.default, _plain_softplus(edit, x)))


def _log_sigmoid(edit: Editor, node: Node) -> Node:
    minus = edit.call(aten.neg.default, node.args[0])
    return edit.call(aten.neg.default, _plain_softplus(edit, minus))


def _prelu(edit: Editor, node: Node) -> Node | None:
    x, slope = node.args
    rank = rank_of(x)
    if rank == 4:
        return None
    if rank > 1:
        slope = edit.reshape(slope, [1, slope.meta["val"].numel(), *[1] * (rank - 2)])
    below = edit.call(aten.relu.default, edit.call(aten.neg.default, x))
    below = edit.call(aten.mul.Tensor, below, slope)
    return edit.call(aten.sub.Tensor, edit.call(aten.relu.default, x), below)


ACTIVATIONS: dict[Operator | tuple[Operator, ...], Callable[[Editor, Node], Node | None]] = {
    aten.gelu.default: _gelu,
    aten.elu.default: _scaled_elu,
    aten.selu.default: _selu,
    aten.celu.default: _celu,
    aten.glu.default: _glu,
    aten.softplus.default: _softplus,
    aten.mish.default: _mish,
    aten.prelu.default: _prelu,
    aten.log_sigmoid.default: _log_sigmoid,
}

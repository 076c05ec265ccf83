"""Operators that treat each element alone, in whatever order the array has them; also softmax."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from coremltools.converters.mil import Builder as mb
from coremltools.converters.mil.mil import Var

from hvit_edge.lowering.graph import aten
from hvit_edge.targets.coreml.layout import Layout
from hvit_edge.targets.coreml.rules.registry import Call, rule
from hvit_edge.targets.coreml.values import Value, align, plain

UNARY: dict[object, Callable[..., Var]] = {
    aten.relu.default: mb.relu,
    aten.silu.default: mb.silu,
    aten.sigmoid.default: mb.sigmoid,
    aten.tanh.default: mb.tanh,
    aten.exp.default: mb.exp,
    aten.sqrt.default: mb.sqrt,
    aten.rsqrt.default: mb.rsqrt,
    aten.abs.default: mb.abs,
    aten.erf.default: mb.erf,
    aten.relu6.default: mb.relu6,
}
BINARY: dict[object, Callable[..., Var]] = {
    aten.add.Tensor: mb.add,
    aten.sub.Tensor: mb.sub,
    aten.mul.Tensor: mb.mul,
    aten.div.Tensor: mb.real_div,
    aten.maximum.default: mb.maximum,
    aten.minimum.default: mb.minimum,
}


@rule(*UNARY)
def unary(call: Call) -> Value:
    """Of one tensor."""
    x = call.tensor(0)
    return Value(UNARY[call.node.target](x=x.data), x.layout)


@rule(*BINARY)
def binary(call: Call) -> Value:
    """Of two tensors that broadcast, or a tensor and a number."""
    if call.node.kwargs.get("alpha", 1) != 1:
        raise ValueError("alpha 1")
    operator = BINARY[call.node.target]
    one, other = (_operand(call, position) for position in (0, 1))
    if isinstance(other, float):
        return Value(operator(x=one.data, y=np.float32(other)), one.layout)
    if isinstance(one, float):
        return Value(operator(x=np.float32(one), y=other.data), other.layout)
    leader = one if list(one.layout.shape) == call.shape and not one.is_constant else other
    align(leader, other if leader is one else one)
    # Where neither tensor has the full shape, `align` left both in plain order.
    is_full = list(leader.layout.shape) == call.shape
    layout = leader.layout if is_full else Layout.plain(call.shape)
    return Value(operator(x=one.data, y=other.data), layout)


@rule(aten.gelu.default)
def gelu(call: Call) -> Value:
    """With the error function, or its approximation by tanh."""
    x = call.tensor(0)
    exact = call.option(1, "approximate", "none") == "none"
    return Value(mb.gelu(x=x.data, mode="EXACT" if exact else "TANH_APPROXIMATION"), x.layout)


@rule(aten.hardtanh.default, aten.clamp.default)
def clip(call: Call) -> Value:
    """To two bounds; one that is missing is the largest number of float16."""
    x = call.tensor(0)
    low, high = (-1.0, 1.0) if call.node.target is aten.hardtanh.default else (None, None)
    bounds = (call.option(1, "min", low), call.option(2, "max", high))
    low, high = (
        np.float32(limit if bound is None else bound)
        for bound, limit in zip(bounds, (-65504, 65504), strict=True)
    )
    return Value(mb.clip(x=x.data, alpha=low, beta=high), x.layout)


@rule(aten.softmax.int)
def softmax(call: Call) -> Value:
    """Along the one axis that is that dimension."""
    x = call.tensor(0)
    dim = call.option(1, "dim") % len(x.layout.logical)
    if x.layout.find(dim) is None:
        plain(x)
    axis = x.layout.find(dim)
    return Value(mb.softmax(x=x.data, axis=dim if axis is None else axis), x.layout)


@rule(aten.matmul.default, aten.bmm.default)
def matmul(call: Call) -> Value:
    """In plain order."""
    one, other = call.tensor(0), call.tensor(1)
    if min(len(one.layout.logical), len(other.layout.logical)) < 2:
        raise ValueError("matrices, not vectors")
    plain(one)
    plain(other)
    y = mb.matmul(x=one.data, y=other.data)
    return Value(y, one.layout.plain(call.shape))


def _operand(call: Call, position: int) -> Value | float:
    given = call.option(position, "other")
    return call.values[given] if given in call.values else float(given)

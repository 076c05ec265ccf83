"""Translate functions of one tensor, element by element, in any order of the array."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from coremltools.converters.mil import Builder as mb
from coremltools.converters.mil.mil import Var, types

from hvit_edge.lowering.graph import aten
from hvit_edge.targets.coreml.moves import sliced
from hvit_edge.targets.coreml.rules.registry import Call, rule
from hvit_edge.targets.coreml.values import Value, align, plain

SELU = (1.6732632423543772, 1.0507009873554805)
PRELU_RANKS = (3, 4, 5)
SOFTPLUS_THRESHOLD = 20.0

UNARY: dict[object, Callable[..., Var]] = {
    aten.relu.default: mb.relu,
    aten.silu.default: mb.silu,
    aten.sigmoid.default: mb.sigmoid,
    aten.tanh.default: mb.tanh,
    aten.exp.default: mb.exp,
    aten.sqrt.default: mb.sqrt,
    aten.abs.default: mb.abs,
    aten.erf.default: mb.erf,
    aten.relu6.default: mb.relu6,
    aten.sin.default: mb.sin,
    aten.cos.default: mb.cos,
    aten.tan.default: mb.tan,
    aten.asin.default: mb.asin,
    aten.acos.default: mb.acos,
    aten.atan.default: mb.atan,
    aten.sinh.default: mb.sinh,
    aten.cosh.default: mb.cosh,
    aten.exp2.default: mb.exp2,
    aten.floor.default: mb.floor,
    aten.ceil.default: mb.ceil,
    aten.round.default: mb.round,
    aten.sign.default: mb.sign,
    aten.square.default: mb.square,
}


@rule(*UNARY)
def unary(call: Call) -> Value:
    """Translate a function that Core ML has with the same definition."""
    x = call.tensor(0)
    return Value(UNARY[call.node.target](x=x.data), x.layout)


@rule(aten.neg.default)
def negative(call: Call) -> Value:
    """Multiply by -1."""
    x = call.tensor(0)
    return Value(mb.mul(x=x.data, y=np.float32(-1)), x.layout)


@rule(aten.reciprocal.default)
def reciprocal(call: Call) -> Value:
    """Divide one by x, because Core ML's `inverse` adds a number to x."""
    x = call.tensor(0)
    return Value(mb.real_div(x=np.float32(1), y=x.data), x.layout)


@rule(aten.rsqrt.default)
def rsqrt(call: Call) -> Value:
    """Compute 1 / sqrt(x) without the epsilon that Core ML adds by default."""
    x = call.tensor(0)
    return Value(mb.rsqrt(x=x.data, epsilon=np.float32(0)), x.layout)


@rule(aten.log.default)
def log(call: Call) -> Value:
    """Compute the logarithm without the epsilon that Core ML adds by default."""
    x = call.tensor(0)
    return Value(mb.log(x=x.data, epsilon=np.float32(0)), x.layout)


@rule(aten.log1p.default)
def log1p(call: Call) -> Value:
    """Compute log(x + 1) with Core ML's epsilon as the one."""
    x = call.tensor(0)
    return Value(mb.log(x=x.data, epsilon=np.float32(1)), x.layout)


@rule(aten.gelu.default)
def gelu(call: Call) -> Value:
    """Compute GELU with the error function, or with its approximation by tanh."""
    x = call.tensor(0)
    exact = call.option(1, "approximate", "none") == "none"
    return Value(mb.gelu(x=x.data, mode="EXACT" if exact else "TANH_APPROXIMATION"), x.layout)


@rule(aten.hardsigmoid.default)
def hardsigmoid(call: Call) -> Value:
    """Compute x / 6 + 1/2, limited to [0, 1]."""
    x = call.tensor(0)
    return Value(_hard_gate(x.data), x.layout)


@rule(aten.hardswish.default)
def hardswish(call: Call) -> Value:
    """Multiply by the hard sigmoid, which is exactly 1 at its upper end, also in float16."""
    x = call.tensor(0)
    return Value(mb.mul(x=x.data, y=_hard_gate(x.data)), x.layout)


def _hard_gate(x: Var) -> Var:
    return mb.sigmoid_hard(x=x, alpha=np.float32(1 / 6), beta=np.float32(0.5))


@rule(aten.hardtanh.default, aten.clamp.default, aten.clamp_min.default, aten.clamp_max.default)
def clip(call: Call) -> Value:
    """Limit to two bounds, or to one."""
    x, target = call.tensor(0), call.node.target
    low, high = call.option(1, "min"), call.option(2, "max")
    if target is aten.hardtanh.default:
        low, high = call.option(1, "min_val", -1.0), call.option(2, "max_val", 1.0)
    if target is aten.clamp_max.default:
        low, high = None, call.option(1, "max")
    return Value(_limited(x.data, low, high), x.layout)


def _limited(x: Var, low: float | None, high: float | None) -> Var:
    is_float = x.dtype not in (types.int32, types.bool)
    number = np.float32 if is_float else np.int32
    if low == 0 and high is None and is_float:
        return mb.relu(x=x)
    if is_float and low is not None and high is not None and low <= high:
        return mb.clip(x=x, alpha=number(low), beta=number(high))
    if low is not None:
        x = mb.maximum(x=x, y=number(low))
    # If low is above high, PyTorch returns the upper bound everywhere.
    return x if high is None else mb.minimum(x=x, y=number(high))


@rule(aten.leaky_relu.default)
def leaky_relu(call: Call) -> Value:
    """Multiply by one slope below zero."""
    x = call.tensor(0)
    slope = np.float32(call.option(1, "negative_slope", 0.01))
    return Value(mb.leaky_relu(x=x.data, alpha=slope), x.layout)


@rule(aten.prelu.default)
def prelu(call: Call) -> Value:
    """Multiply by a slope below zero, which is one for all channels or one for each."""
    x, slopes = call.tensor(0), call.array(1, "weight").reshape(-1)
    if slopes.size == 1:
        return Value(mb.leaky_relu(x=x.data, alpha=np.float32(slopes[0])), x.layout)
    plain(x)
    if len(x.layout.array) in PRELU_RANKS and len(x.layout.logical) in PRELU_RANKS:
        return Value(mb.prelu(x=x.data, alpha=slopes), x.layout)
    shape = [slopes.size, *[1] * (len(x.layout.logical) - 2)]
    factor = Value.constant(slopes.reshape(shape))
    align(x, factor)
    below = mb.mul(x=mb.minimum(x=x.data, y=np.float32(0)), y=factor.data)
    return Value(mb.add(x=mb.relu(x=x.data), y=below), x.layout)


@rule(aten.elu.default, aten.selu.default)
def elu(call: Call) -> Value:
    """Compute b x if x is positive, else b a (exp(x) - 1)."""
    x = call.tensor(0)
    if call.node.target is aten.selu.default:
        alpha, scale = SELU
    else:
        alpha, scale = call.option(1, "alpha", 1.0), call.option(2, "scale", 1.0)
        if call.option(3, "input_scale", 1) != 1:
            raise ValueError("expected ELU with input_scale 1")
    y = mb.elu(x=x.data, alpha=np.float32(alpha))
    return Value(y if scale == 1 else mb.mul(x=y, y=np.float32(scale)), x.layout)


@rule(aten.celu.default)
def celu(call: Call) -> Value:
    """Compute alpha times the ELU of x / alpha, which is x if x is positive."""
    x, alpha = call.tensor(0), call.option(1, "alpha", 1.0)
    inner = mb.elu(x=mb.mul(x=x.data, y=np.float32(1 / alpha)), alpha=np.float32(1))
    return Value(mb.mul(x=inner, y=np.float32(alpha)), x.layout)


@rule(aten.softplus.default)
def softplus(call: Call) -> Value:
    """Compute ln(1 + exp(b x)) / b; PyTorch's threshold only prevents overflow there."""
    x, beta = call.tensor(0), call.option(1, "beta", 1)
    if call.option(2, "threshold", SOFTPLUS_THRESHOLD) < SOFTPLUS_THRESHOLD:
        raise ValueError(f"expected softplus with a threshold of at least {SOFTPLUS_THRESHOLD:g}")
    if beta == 1:
        return Value(mb.softplus(x=x.data), x.layout)
    y = mb.softplus(x=mb.mul(x=x.data, y=np.float32(beta)))
    return Value(mb.mul(x=y, y=np.float32(1 / beta)), x.layout)


@rule(aten.mish.default)
def mish(call: Call) -> Value:
    """Compute x tanh(softplus(x))."""
    x = call.tensor(0)
    return Value(mb.mul(x=x.data, y=mb.tanh(x=mb.softplus(x=x.data))), x.layout)


@rule(aten.log_sigmoid.default)
def log_sigmoid(call: Call) -> Value:
    """Compute -softplus(-x)."""
    x = call.tensor(0)
    y = mb.softplus(x=mb.mul(x=x.data, y=np.float32(-1)))
    return Value(mb.mul(x=y, y=np.float32(-1)), x.layout)


@rule(aten.glu.default)
def glu(call: Call) -> Value:
    """Multiply the first half by the sigmoid of the second."""
    x = call.tensor(0)
    dim = call.option(1, "dim", -1) % len(x.layout.logical)
    length = x.layout.shape[dim]
    first, second = sliced(x, dim, 0, length // 2), sliced(x, dim, length // 2, length)
    align(first, second)
    return Value(mb.mul(x=first.data, y=mb.sigmoid(x=second.data)), first.layout)

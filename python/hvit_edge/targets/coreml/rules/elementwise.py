"""Translate arithmetic, comparisons and choices of tensors that broadcast."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from coremltools.converters.mil import Builder as mb
from coremltools.converters.mil.mil import Var

from hvit_edge.lowering.graph import aten
from hvit_edge.targets.coreml.moves import MAX_PLAIN, broadcast, own_axis
from hvit_edge.targets.coreml.rules.registry import Call, rule
from hvit_edge.targets.coreml.values import Value, align, broadcast_layout, plain

Operand = Value | float | int | bool

BINARY: dict[object, Callable[..., Var]] = {
    aten.mul.Tensor: mb.mul,
    aten.mul.Scalar: mb.mul,
    aten.maximum.default: mb.maximum,
    aten.minimum.default: mb.minimum,
    aten.max.other: mb.maximum,
    aten.min.other: mb.minimum,
    aten.clamp_min.Tensor: mb.maximum,
    aten.clamp_max.Tensor: mb.minimum,
    **{
        getattr(getattr(aten, name), kind): operator
        for name, operator in {
            "eq": mb.equal,
            "ne": mb.not_equal,
            "gt": mb.greater,
            "ge": mb.greater_equal,
            "lt": mb.less,
            "le": mb.less_equal,
        }.items()
        for kind in ("Tensor", "Scalar")
    },
    aten.logical_and.default: mb.logical_and,
    aten.logical_or.default: mb.logical_or,
    aten.logical_xor.default: mb.logical_xor,
    aten.bitwise_and.Tensor: mb.logical_and,
    aten.bitwise_or.Tensor: mb.logical_or,
    aten.bitwise_xor.Tensor: mb.logical_xor,
}
OF_BOOL = (aten.bitwise_and.Tensor, aten.bitwise_or.Tensor, aten.bitwise_xor.Tensor)
SUMS = (aten.add.Tensor, aten.add.Scalar, aten.sub.Tensor, aten.sub.Scalar)
REVERSED = (aten.rsub.Scalar, aten.rsub.Tensor)
QUOTIENTS = (aten.div.Tensor, aten.div.Scalar, aten.div.Tensor_mode, aten.div.Scalar_mode)
DTYPES = {torch.float32: "fp32", torch.bool: "bool", torch.int32: "int32", torch.int64: "int32"}
CASTS = (aten.to.dtype, aten._to_copy.default, aten.to.dtype_layout)


@rule(*BINARY)
def binary(call: Call) -> Value:
    """Translate an operator on two tensors that broadcast, or on a tensor and a number."""
    if call.node.target in OF_BOOL and call.node.meta["val"].dtype is not torch.bool:
        raise ValueError("expected boolean operands")
    return combined(BINARY[call.node.target], call, *_operands(call))


@rule(*SUMS, *REVERSED)
def sum_(call: Call) -> Value:
    """Add a multiple of one tensor to the other, or subtract it."""
    one, other = _operands(call)
    if call.node.target in REVERSED:
        one, other = other, one
    other = _multiple(other, call.option(2, "alpha", 1))
    adds = call.node.target in (aten.add.Tensor, aten.add.Scalar)
    return combined(mb.add if adds else mb.sub, call, one, other)


def _multiple(operand: Operand, factor: float) -> Operand:
    """Return `factor` times an operand."""
    if factor == 1:
        return operand
    if isinstance(operand, Value):
        return Value(mb.mul(x=operand.data, y=np.float32(factor)), operand.layout)
    return operand * factor


def _counted(operand: Operand) -> Operand:
    """Return an integer tensor as float32; a number stays as it is."""
    return _cast(operand, "fp32") if isinstance(operand, Value) else operand


@rule(*QUOTIENTS)
def quotient(call: Call) -> Value:
    """Divide, and round down or toward zero if that is asked for; integers as float32."""
    mode = call.node.kwargs.get("rounding_mode")
    counts = not call.node.meta["val"].is_floating_point()
    one, other = _operands(call)
    if counts:
        one, other = _counted(one), _counted(other)
    y = combined(mb.real_div, call, one, other)
    if mode == "floor":
        y = Value(mb.floor(x=y.data), y.layout)
    elif mode == "trunc":
        size = mb.floor(x=mb.abs(x=y.data))
        y = Value(mb.mul(x=size, y=mb.sign(x=y.data)), y.layout)
    return Value(mb.cast(x=y.data, dtype="int32"), y.layout) if counts else y


@rule(aten.clamp.Tensor)
def clip_by_tensors(call: Call) -> Value:
    """Limit to bounds that are tensors."""
    x = call.tensor(0)
    for operator, bound in (
        (mb.maximum, call.optional_tensor(1, "min")),
        (mb.minimum, call.optional_tensor(2, "max")),
    ):
        x = x if bound is None else combined(operator, call, x, bound)
    return x


def combined(operator: Callable[..., Var], call: Call, one: Operand, other: Operand) -> Value:
    """Return the result of an operator of two, at least one of them a tensor."""
    left, right = _as_computed(call, one, other), _as_computed(call, other, one)
    if isinstance(left, Value) and isinstance(right, Value):
        return _of_tensors(operator, call, *_of_one_kind(left, right))
    if isinstance(left, Value) and not isinstance(right, Value):
        return Value(operator(x=left.data, y=_number(left, right)), left.layout)
    if isinstance(right, Value) and not isinstance(left, Value):
        return Value(operator(x=_number(right, left), y=right.data), right.layout)
    raise ValueError("expected at least one tensor, got two numbers")


def _of_tensors(operator: Callable[..., Var], call: Call, one: Value, other: Value) -> Value:
    """Return the result of an operator of two tensors that broadcast."""
    leader = one if list(one.layout.shape) == call.shape and not one.is_constant else other
    follower = other if leader is one else one
    try:
        align(leader, follower)
    except ValueError:
        one, other = broadcast(one, call.shape), broadcast(other, call.shape)
        align(one, other)
        leader, follower = one, other
    layout = broadcast_layout(leader, follower, call.shape)
    return Value(operator(x=one.data, y=other.data), layout)


def _as_computed(call: Call, operand: Operand, beside: Operand) -> Operand:
    """Return an integer tensor as float32 if PyTorch computes in floating point."""
    if not isinstance(operand, Value) or operand.is_float:
        return operand
    fraction = isinstance(beside, float) and not beside.is_integer()
    is_float = fraction or call.node.meta["val"].is_floating_point()
    return _cast(operand, "fp32") if is_float else operand


def _operands(call: Call) -> tuple[Operand, Operand]:
    first, second = (call.option(at, name) for at, name in enumerate(("self", "other")))
    one, other = (call.values.get(given, given) for given in (first, second))
    return one, other


def _of_one_kind(one: Value, other: Value) -> tuple[Value, Value]:
    """Cast a boolean or integer operand to float32 if the other operand is float."""
    if one.is_float == other.is_float:
        return one, other
    return _as_float(one), _as_float(other)


def _as_float(value: Value) -> Value:
    return value if value.is_float else _cast(value, "fp32")


def _cast(value: Value, dtype: str) -> Value:
    if value.is_constant:
        names = {"fp32": np.float32, "int32": np.int32, "bool": bool}
        return Value(value.data.astype(names[dtype]), value.layout)
    return Value(mb.cast(x=value.data, dtype=dtype), value.layout)


def _number(value: Value, number: float) -> np.generic:
    """Return a number of the dtype of `value`, float32 or int32."""
    return np.float32(number) if value.is_float else np.int32(number)


@rule(aten.logical_not.default, aten.bitwise_not.default)
def logical_not(call: Call) -> Value:
    """Negate booleans; other dtypes are cast to bool first."""
    x = call.tensor(0)
    if call.node.args[0].meta["val"].dtype is not torch.bool:
        x = Value(mb.cast(x=x.data, dtype="bool"), x.layout)
    return Value(mb.logical_not(x=x.data), x.layout)


@rule(*CASTS)
def cast(call: Call) -> Value:
    """Cast between float32, int32 and bool; 64-bit integers are stored in 32 bits."""
    dtype = call.node.meta["val"].dtype
    if dtype not in DTYPES:
        raise ValueError(f"expected float32, int32 or bool, got {dtype}")
    return _cast(call.tensor(0), DTYPES[dtype])


@rule(aten.pow.Tensor_Scalar, aten.pow.Tensor_Tensor, aten.pow.Scalar)
def power(call: Call) -> Value:
    """Compute small powers by products and roots, which float16 rounds least."""
    base, exponent = _operands(call)
    if isinstance(base, Value) and not isinstance(exponent, Value):
        return Value(_power(base.data, float(exponent)), base.layout)
    return combined(mb.pow, call, base, exponent)


def _power(x: Var, exponent: float) -> Var:
    if exponent == 2:
        return mb.square(x=x)
    if exponent == 3:
        return mb.mul(x=mb.square(x=x), y=x)
    if exponent == 4:
        return mb.square(x=mb.square(x=x))
    if exponent == 0.5:
        return mb.sqrt(x=x)
    if exponent == -0.5:
        return mb.rsqrt(x=x, epsilon=np.float32(0))
    if exponent == -1:
        return mb.real_div(x=np.float32(1), y=x)
    if exponent == 1:
        return mb.identity(x=x)
    return mb.pow(x=x, y=np.float32(exponent))


@rule(aten.addcmul.default, aten.addcdiv.default)
def add_product(call: Call) -> Value:
    """Compute input + value * left * right, or input + value * left / right."""
    added, left, right = (call.tensor(at) for at in range(3))
    operator = mb.mul if call.node.target is aten.addcmul.default else mb.real_div
    product = _whole(operator, call, left, right)
    factor = call.node.kwargs.get("value", 1)
    if factor != 1:
        product = Value(mb.mul(x=product.data, y=np.float32(factor)), product.layout)
    return combined(mb.add, call, added, product)


def _whole(operator: Callable[..., Var], call: Call, one: Value, other: Value) -> Value:
    """Return the result of an operator on two tensors in the shape of the call's result."""
    if list(one.layout.shape) != call.shape:
        one = broadcast(one, call.shape)
    return combined(operator, call, one, other)


@rule(aten.where.self, aten.where.ScalarOther, aten.where.ScalarSelf, aten.where.Scalar)
def where(call: Call) -> Value:
    """Choose between two operands by a mask."""
    names = ("condition", "self", "other")
    mask, one, other = (call.option(at, name) for at, name in enumerate(names))
    return _chosen(call, call.values[mask], *(call.values.get(n, n) for n in (one, other)))


@rule(aten.masked_fill.Scalar, aten.masked_fill.Tensor)
def masked_fill(call: Call) -> Value:
    """Choose a number if the mask is true, else the tensor."""
    x, mask, number = call.tensor(0), call.tensor(1), call.option(2, "value")
    return _chosen(call, mask, call.values.get(number, number), x)


def _chosen(call: Call, mask: Value, one: Operand, other: Operand) -> Value:
    """Choose `one` if the mask is true, else `other`, with all three in the full shape."""
    sides = [
        side if isinstance(side, Value) else Value.constant(np.float32(side).reshape(()))
        for side in (one, other)
    ]
    truth = mask if mask.is_bool else _cast(mask, "bool")
    parts = [broadcast(Value(v.data, v.layout), call.shape) for v in (truth, *sides)]
    leader = next((part for part in parts if not part.is_constant), parts[0])
    for part in parts:
        if part is not leader:
            align(leader, part)
    for part in parts:  # the last pass may have moved the leader
        align(leader, part)
    condition, chosen, rest = (part.data for part in parts)
    return Value(mb.select(cond=condition, a=chosen, b=rest), parts[0].layout)


@rule(aten.softmax.int, aten._softmax.default)
def softmax(call: Call) -> Value:
    """Compute the softmax along the axis of the dimension."""
    x = call.tensor(0)
    axis = softmax_axis(x, call.option(1, "dim"))
    return Value(mb.softmax(x=x.data, axis=axis), x.layout)


@rule(aten.log_softmax.int, aten._log_softmax.default)
def log_softmax(call: Call) -> Value:
    """Subtract the logarithm of the sum of exp(x), which float16 holds even for small shares."""
    x = call.tensor(0)
    axis = softmax_axis(x, call.option(1, "dim"))
    total = mb.reduce_log_sum_exp(x=x.data, axes=[axis], keep_dims=True)
    return Value(mb.sub(x=x.data, y=total), x.layout)


def softmax_axis(x: Value, dim: int) -> int:
    """Return the axis of the array that is dimension `dim`; arrange plainly if there is none."""
    dim %= max(1, len(x.layout.logical))
    if x.layout.find(dim) is None and len(x.layout.logical) <= MAX_PLAIN:
        plain(x)
        return dim
    return own_axis(x, dim)

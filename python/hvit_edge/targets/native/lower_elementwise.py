"""Lower functions of one tensor and arithmetic of two tensors to operations."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from torch.fx import Node

from hvit_edge.lowering.graph import argument, aten, is_constant, shape_of
from hvit_edge.targets.native.emitter import Emitter, refuse
from hvit_edge.targets.native.general_operations import Matmul
from hvit_edge.targets.native.kinds import Activation, Arithmetic, Function
from hvit_edge.targets.native.lower_convolutions import scale_channels
from hvit_edge.targets.native.values import Value, constant_value, filled

SELU = (1.6732632423543772, 1.0507009873554805)

Operand: TypeAlias = Node | float | int


def lower_activation(activation: Activation) -> Callable[[Emitter, Node], None]:
    """Return the lowering of an activation without parameters."""
    return lambda emit, node: emit.activate(node, node.args[0], activation)


def lower_gelu(emit: Emitter, node: Node) -> None:
    approximate = argument(node, 1, "approximate", "none")
    kind = Activation.GELU_TANH if approximate == "tanh" else Activation.GELU
    emit.activate(node, node.args[0], kind)


def lower_function(
    function: Function, *parameters: tuple[str, float]
) -> Callable[[Emitter, Node], None]:
    """Return the lowering of a function whose arguments after the tensor are `parameters`."""

    def lower(emit: Emitter, node: Node) -> None:
        given = [
            float(argument(node, 1 + i, name, default))
            for i, (name, default) in enumerate(parameters)
        ]
        emit.apply(node, node.args[0], function, *given)

    return lower


def lower_clamp(emit: Emitter, node: Node) -> None:
    """Lower a clamp between two numbers, or to one bound."""
    low, high = (argument(node, i, name) for i, name in ((1, "min"), (2, "max")))
    if node.target is aten.hardtanh.default:
        low, high = (argument(node, 1, "min_val", -1.0), argument(node, 2, "max_val", 1.0))
    if node.target is aten.relu6.default:
        low, high = 0, 6
    if node.target is aten.clamp_max.default:
        low, high = None, argument(node, 1, "max")
    _clamp(emit, node, low, high)


def _clamp(emit: Emitter, node: Node, low: float | None, high: float | None) -> None:
    source = node.args[0]
    if (low, high) == (0, None):
        emit.activate(node, source, Activation.RELU)
    elif (low, high) == (0, 6):
        emit.activate(node, source, Activation.RELU6)
    elif low is not None and high is not None and low <= high:
        emit.apply(node, source, Function.CLAMP, float(low), float(high))
    elif low is None or high is None:
        kind = Arithmetic.MAXIMUM if high is None else Arithmetic.MINIMUM
        _calculate(emit, node, kind, source, low if high is None else high)
    else:
        raise refuse(node, f"a clamp between {low} and {high}")


def lower_elu(emit: Emitter, node: Node) -> None:
    """Lower ELU and SELU: b * x above zero, b * a * (exp(x) - 1) below it."""
    if node.target is aten.selu.default:
        a, b = SELU
    else:
        a, b = float(argument(node, 1, "alpha", 1.0)), float(argument(node, 2, "scale", 1.0))
        if argument(node, 3, "input_scale", 1) != 1:
            raise refuse(node, "ELU with an input_scale")
    emit.apply(node, node.args[0], Function.ELU, a, b)


def lower_celu(emit: Emitter, node: Node) -> None:
    """Lower alpha * ELU(x / alpha)."""
    alpha = float(argument(node, 1, "alpha", 1.0))
    emit.combine(node, emit.value(node.args[0]), None, alpha=1 / alpha)
    emit.apply(node, node, Function.ELU, 1.0, alpha)


def lower_prelu(emit: Emitter, node: Node) -> None:
    """Lower max(x, 0) + slope * min(x, 0), which is leaky ReLU if there is one slope."""
    source, slope = node.args[:2]
    if not is_constant(slope):
        raise refuse(node, "PReLU whose slopes are computed")
    slopes = emit.constant(slope).float().numpy()
    if slopes.size == 1:
        emit.apply(node, source, Function.LEAKY_RELU, float(slopes.reshape(-1)[0]))
        return
    shape = [1] * len(shape_of(node))
    shape[1] = slopes.size
    slopes = slopes.reshape(shape)
    value, zero = emit.value(source), filled((1,), 0.0)
    emit.calculate(node, Arithmetic.MINIMUM, value, zero)
    emit.calculate(node, Arithmetic.MULTIPLY, emit.value(node), constant_value(slopes))
    below = emit.value(node)
    emit.calculate(node, Arithmetic.MAXIMUM, value, zero)
    emit.calculate(node, Arithmetic.ADD, emit.value(node), below)


def lower_power(emit: Emitter, node: Node) -> None:
    base, exponent = node.args[:2]
    if isinstance(base, Node) and not isinstance(exponent, Node):
        known = {0.5: Function.SQRT, -0.5: Function.RSQRT, -1.0: Function.RECIPROCAL}
        emit.apply(node, base, known.get(float(exponent), Function.POWER), float(exponent))
    else:
        _calculate(emit, node, Arithmetic.POWER, base, exponent)


def lower_square(emit: Emitter, node: Node) -> None:
    emit.apply(node, node.args[0], Function.POWER, 2.0)


def lower_negative(emit: Emitter, node: Node) -> None:
    emit.combine(node, emit.value(node.args[0]), None, alpha=-1.0)


def lower_log_sigmoid(emit: Emitter, node: Node) -> None:
    """Lower -softplus(-x)."""
    emit.combine(node, emit.value(node.args[0]), None, alpha=-1.0)
    emit.apply(node, node, Function.SOFTPLUS, 1.0, 20.0)
    emit.combine(node, emit.value(node), None, alpha=-1.0)


def lower_glu(emit: Emitter, node: Node) -> None:
    """Lower GLU: the first half times the sigmoid of the second."""
    value = emit.value(node.args[0])
    dim = argument(node, 1, "dim", -1)
    first, second = (Value(value.buffer, places) for places in np.split(value.places, 2, axis=dim))
    emit.values[node] = second
    emit.apply(node, node, Function.SIGMOID)
    emit.calculate(node, Arithmetic.MULTIPLY, first, emit.value(node))


def lower_add(emit: Emitter, node: Node) -> None:
    _sum(emit, node, node.args[0], node.args[1], 1)


def lower_subtract(emit: Emitter, node: Node) -> None:
    _sum(emit, node, node.args[0], node.args[1], -1)


def lower_reversed_subtract(emit: Emitter, node: Node) -> None:
    _sum(emit, node, node.args[1], node.args[0], -1)


def _sum(emit: Emitter, node: Node, left: Operand, right: Operand, sign: int) -> None:
    """Lower left + sign * alpha * right."""
    beta = sign * argument(node, 2, "alpha", 1)
    if node.target in (aten.rsub.Scalar, aten.rsub.Tensor) and abs(beta) != 1:
        raise refuse(node, "a reversed difference with alpha")
    if not isinstance(right, Node):
        right, beta = beta * right, 1
    if isinstance(left, Node) and isinstance(right, Node):
        if _shift(emit, node, left, right, beta):
            return
        if beta == 1:
            emit.add(node, left, right)
        else:
            emit.combine(node, emit.value(left), emit.value(right), beta=float(beta))
    else:
        kind = Arithmetic.ADD if beta == 1 else Arithmetic.SUBTRACT
        _calculate(emit, node, kind, left, right)


def _shift(emit: Emitter, node: Node, left: Node, right: Node, beta: float) -> bool:
    """Make the addition of constants to a layer's columns part of the layer, if possible.

    Returns:
        True if it became part of a layer.
    """
    sides = ((left, right, beta), (right, left, 1.0)) if beta == 1 else ((left, right, beta),)
    for source, constant, sign in sides:
        if is_constant(constant) and not is_constant(source) and shape_of(source) == shape_of(node):
            shift = sign * emit.constant(constant).double().numpy()
            if emit.scale_layer(node, source, np.ones(1), shift):
                return True
    return False


def lower_multiply(emit: Emitter, node: Node) -> None:
    left, right = node.args[:2]
    if isinstance(left, Node) and isinstance(right, Node):
        _multiply(emit, node, left, right)
    elif isinstance(left, Node):
        _scale(emit, node, left, float(right))
    else:
        _scale(emit, node, right, float(left))


def _multiply(emit: Emitter, node: Node, left: Node, right: Node) -> None:
    """Lower a product; a factor for each column of a layer becomes part of the layer."""
    for source, factor in ((left, right), (right, left)):
        if is_constant(factor) and shape_of(source) == shape_of(node):
            values = emit.constant(factor).double().numpy()
            if values.size == 1:
                _scale(emit, node, source, float(values.reshape(-1)[0]))
                return
            if emit.scale_layer(node, source, values) or _scale_channels(
                emit, node, source, values
            ):
                return
    _calculate(emit, node, Arithmetic.MULTIPLY, left, right)


def _scale_channels(emit: Emitter, node: Node, source: Node, factor: np.ndarray) -> bool:
    """Multiply maps by a factor for each channel, in a form that a sum can become part of.

    Returns:
        False if the factors are not one for each channel of maps; nothing has changed then.
    """
    shape = shape_of(node)
    if len(shape) != 4 or factor.size != shape[1] or factor.shape[-3:] != (shape[1], 1, 1):
        return False
    scale_channels(emit, node, emit.value(source), factor.ravel(), None)
    return True


def lower_add_product(emit: Emitter, node: Node) -> None:
    """Lower input + value * left * right, or input + value * left / right."""
    added, left, right = (emit.value(side) for side in node.args[:3])
    factor = float(node.kwargs.get("value", 1))
    divides = node.target is aten.addcdiv.default
    kind = Arithmetic.DIVIDE if divides else Arithmetic.MULTIPLY
    emit.calculate(node, kind, left, right)
    emit.combine(node, added, emit.value(node), beta=factor)


def lower_divide(emit: Emitter, node: Node) -> None:
    left, right = node.args[:2]
    if argument(node, 2, "rounding_mode") is not None:
        raise refuse(node, "a division that is rounded")
    if isinstance(left, Node) and not isinstance(right, Node) and right != 0:
        _scale(emit, node, left, 1 / right)
    else:
        _calculate(emit, node, Arithmetic.DIVIDE, left, right)


def _scale(emit: Emitter, node: Node, source: Node, factor: float) -> None:
    operation = emit.open_operation(source)
    if isinstance(operation, Matmul):
        operation.scale *= factor
        emit.view(node, source, emit.values[source].places)
    else:
        emit.combine(node, emit.value(source), None, alpha=factor)


def lower_arithmetic(kind: Arithmetic) -> Callable[[Emitter, Node], None]:
    """Return the lowering of arithmetic of two tensors, or of a tensor and a number."""
    return lambda emit, node: _calculate(emit, node, kind, *node.args[:2])


def _calculate(emit: Emitter, node: Node, kind: Arithmetic, left: Operand, right: Operand) -> None:
    sides = [
        emit.value(side) if isinstance(side, Node) else filled((1,) * len(shape_of(node)), side)
        for side in (left, right)
    ]
    emit.calculate(node, kind, *sides)


def lower_masked_fill(emit: Emitter, node: Node) -> None:
    """Lower min(max(x, low), high), where both bounds are v if the constant mask is true.

    Elsewhere the bounds are -inf and inf.
    """
    source, mask, number = node.args[:3]
    if isinstance(number, Node) and is_constant(number):
        number = float(emit.constant(number))
    if math.isnan(number):
        raise refuse(node, "a fill with NaN")
    masked = emit.constant(mask).bool().numpy()
    masked = masked.reshape([1] * (len(shape_of(node)) - masked.ndim) + list(masked.shape))
    for kind, far in ((Arithmetic.MAXIMUM, -math.inf), (Arithmetic.MINIMUM, math.inf)):
        if number == far:
            continue
        limits = np.where(masked, np.float32(number), np.float32(far))
        value = emit.value(source)
        emit.calculate(node, kind, value, constant_value(limits))
        source = node


LOWERINGS: dict[object, Callable[[Emitter, Node], None]] = {
    aten.relu.default: lower_activation(Activation.RELU),
    aten.silu.default: lower_activation(Activation.SILU),
    aten.gelu.default: lower_gelu,
    aten.sigmoid.default: lower_activation(Activation.SIGMOID),
    aten.hardsigmoid.default: lower_activation(Activation.HARDSIGMOID),
    aten.hardswish.default: lower_activation(Activation.HARDSWISH),
    aten.tanh.default: lower_activation(Activation.TANH),
    aten.relu6.default: lower_clamp,
    aten.hardtanh.default: lower_clamp,
    aten.clamp.default: lower_clamp,
    aten.clamp_min.default: lower_clamp,
    aten.clamp_max.default: lower_clamp,
    aten.leaky_relu.default: lower_function(Function.LEAKY_RELU, ("negative_slope", 0.01)),
    aten.elu.default: lower_elu,
    aten.selu.default: lower_elu,
    aten.celu.default: lower_celu,
    aten.prelu.default: lower_prelu,
    aten.exp.default: lower_function(Function.EXP),
    aten.log.default: lower_function(Function.LOG),
    aten.sqrt.default: lower_function(Function.SQRT),
    aten.rsqrt.default: lower_function(Function.RSQRT),
    aten.abs.default: lower_function(Function.ABS),
    aten.reciprocal.default: lower_function(Function.RECIPROCAL),
    aten.softplus.default: lower_function(Function.SOFTPLUS, ("beta", 1.0), ("threshold", 20.0)),
    aten.mish.default: lower_function(Function.MISH),
    aten.sin.default: lower_function(Function.SIN),
    aten.cos.default: lower_function(Function.COS),
    aten.erf.default: lower_function(Function.ERF),
    aten.floor.default: lower_function(Function.FLOOR),
    aten.ceil.default: lower_function(Function.CEIL),
    aten.round.default: lower_function(Function.ROUND),
    aten.sign.default: lower_function(Function.SIGN),
    aten.square.default: lower_square,
    aten.pow.Tensor_Scalar: lower_power,
    aten.pow.Tensor_Tensor: lower_power,
    aten.pow.Scalar: lower_power,
    aten.neg.default: lower_negative,
    aten.log_sigmoid.default: lower_log_sigmoid,
    aten.glu.default: lower_glu,
    aten.add.Tensor: lower_add,
    aten.add.Scalar: lower_add,
    aten.sub.Tensor: lower_subtract,
    aten.sub.Scalar: lower_subtract,
    aten.rsub.Scalar: lower_reversed_subtract,
    aten.rsub.Tensor: lower_reversed_subtract,
    aten.mul.Tensor: lower_multiply,
    aten.mul.Scalar: lower_multiply,
    aten.addcmul.default: lower_add_product,
    aten.addcdiv.default: lower_add_product,
    aten.div.Tensor: lower_divide,
    aten.div.Scalar: lower_divide,
    aten.div.Tensor_mode: lower_divide,
    aten.maximum.default: lower_arithmetic(Arithmetic.MAXIMUM),
    aten.minimum.default: lower_arithmetic(Arithmetic.MINIMUM),
    aten.max.other: lower_arithmetic(Arithmetic.MAXIMUM),
    aten.min.other: lower_arithmetic(Arithmetic.MINIMUM),
}

"""Operations by their definitions, in float64: what the plans of make_plans.py must compute."""

from __future__ import annotations

from math import erf

import numpy as np

from hvit_edge.targets.native.kinds import Activation, Arithmetic, Function, Reduce

POSITIVE = (Function.LOG, Function.SQRT, Function.RSQRT, Function.POWER, Function.RECIPROCAL)
"""Functions of positive numbers alone."""
PARAMETERS = {
    Function.CLAMP: (-0.25, 0.5),
    Function.LEAKY_RELU: (0.125, 0.0),
    Function.ELU: (0.5, 1.5),
    Function.POWER: (1.5, 0.0),
    Function.SOFTPLUS: (2.0, 20.0),
}
"""The parameters a and b with which functions are tested."""


def activate(kind: Activation, x: np.ndarray) -> np.ndarray:
    """Return an activation by its definition."""
    gate = np.clip(x + 3, 0, 6) / 6
    return {
        Activation.NONE: lambda: x,
        Activation.RELU: lambda: np.maximum(x, 0),
        Activation.SILU: lambda: x / (1 + np.exp(-x)),
        Activation.GELU: lambda: x * (1 + np.vectorize(erf)(x / np.sqrt(2))) / 2,
        Activation.SIGMOID: lambda: 1 / (1 + np.exp(-x)),
        Activation.HARDSIGMOID: lambda: gate,
        Activation.HARDSWISH: lambda: x * gate,
        Activation.RELU6: lambda: np.clip(x, 0, 6),
        Activation.TANH: lambda: np.tanh(x),
        Activation.GELU_TANH: lambda: (
            x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))) / 2
        ),
    }[kind]()


def windows(
    x: np.ndarray,
    kernel: tuple[int, int],
    steps: tuple[int, int],
    pads: tuple[int, int],
    outputs: tuple[int, int],
    filling: float,
) -> np.ndarray:
    """Return the windows [outputs, taps, channels] over a map [height, width, channels]."""
    far = [(pad, pad + step * 8) for pad, step in zip(pads, steps, strict=True)]
    padded = np.pad(x, [*far, (0, 0)], constant_values=filling)
    found = []
    for y in range(outputs[0]):
        for z in range(outputs[1]):
            top, left = y * steps[0], z * steps[1]
            window = padded[top : top + kernel[0], left : left + kernel[1]]
            found.append(window.reshape(-1, x.shape[2]))
    return np.array(found)


def softmax(x: np.ndarray) -> np.ndarray:
    """Return the softmax over the last dimension."""
    raised = np.exp(x - x.max(axis=-1, keepdims=True))
    return raised / raised.sum(axis=-1, keepdims=True)


def function_of(kind: Function, a: float, b: float, x: np.ndarray) -> np.ndarray:
    """Return a function by its definition."""
    if kind.name in Activation.__members__:
        return activate(Activation[kind.name], x)
    return {
        Function.CLAMP: lambda: np.clip(x, a, b),
        Function.LEAKY_RELU: lambda: np.where(x < 0, a * x, x),
        Function.ELU: lambda: b * np.where(x < 0, a * np.expm1(x), x),
        Function.EXP: lambda: np.exp(x),
        Function.LOG: lambda: np.log(x),
        Function.SQRT: lambda: np.sqrt(x),
        Function.RSQRT: lambda: x**-0.5,
        Function.POWER: lambda: x**a,
        Function.ABS: lambda: np.abs(x),
        Function.RECIPROCAL: lambda: 1 / x,
        Function.SOFTPLUS: lambda: np.log1p(np.exp(a * x)) / a,
        Function.MISH: lambda: x * np.tanh(np.log1p(np.exp(x))),
        Function.SIN: lambda: np.sin(x),
        Function.COS: lambda: np.cos(x),
        Function.ERF: lambda: np.vectorize(erf)(x),
        Function.FLOOR: lambda: np.floor(x),
        Function.CEIL: lambda: np.ceil(x),
        Function.ROUND: lambda: np.rint(x),
        Function.SIGN: lambda: np.sign(x),
    }[kind]()


def arithmetic(kind: Arithmetic, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return an arithmetic operation by its definition."""
    return {
        Arithmetic.ADD: np.add,
        Arithmetic.SUBTRACT: np.subtract,
        Arithmetic.MULTIPLY: np.multiply,
        Arithmetic.DIVIDE: np.divide,
        Arithmetic.MAXIMUM: np.maximum,
        Arithmetic.MINIMUM: np.minimum,
        Arithmetic.POWER: np.power,
        Arithmetic.GREATER: np.greater,
        Arithmetic.GREATER_EQUAL: np.greater_equal,
        Arithmetic.EQUAL: np.equal,
        Arithmetic.NOT_EQUAL: np.not_equal,
    }[kind](x, y).astype(np.float64)


def reduced(
    kind: Reduce, scale: float, eps: float, x: np.ndarray, axis: tuple[int, ...]
) -> np.ndarray:
    """Return a reduction by its definition."""
    squares = scale * (x**2).sum(axis=axis) + eps
    return {
        Reduce.SUM: scale * x.sum(axis=axis),
        Reduce.MAXIMUM: x.max(axis=axis),
        Reduce.MINIMUM: x.min(axis=axis),
        Reduce.SQUARES: squares,
        Reduce.ROOT: np.sqrt(squares),
        Reduce.INVERSE_ROOT: 1 / np.sqrt(squares),
    }[kind]

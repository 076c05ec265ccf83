"""Define the numbers by which a plan names operations, activations and functions.

cpp/src/native/kinds.h has the same ones; tests/targets/native/test_kinds.py compares the two files
in both directions.
"""

from __future__ import annotations

from enum import IntEnum

OLDEST_VERSION = 1
VERSION = 3
"""Versions of plans that the runtime reads.

The version rises by one when a release gives plans a kind or a number that older runtimes would
refuse, or gives a field another meaning. Numbers are never reused or reordered: new ones are
appended, and `COUNTS` gets a column. See docs/native.md, "Versions of a plan".
"""


class Kind(IntEnum):
    """Numbers the operations of a plan."""

    LINEAR = 0
    CONVOLUTION = 1
    DEPTHWISE = 2
    POOLING = 3
    LAYER_NORM = 4
    ATTENTION = 5
    ADD = 6
    MEAN = 7
    PAD = 8
    GATHER = 9
    QUANTISE = 10
    LINEAR_INT8 = 11
    CONVOLUTION_INT8 = 12
    INVERTED_RESIDUAL = 13
    UNARY = 14
    BINARY = 15
    REDUCTION = 16
    SOFTMAX = 17
    MATMUL = 18
    SELECT = 19
    TRANSPOSE = 20


class Activation(IntEnum):
    """Numbers the functions that an operation may apply to each of its results."""

    NONE = 0
    RELU = 1
    SILU = 2
    GELU = 3
    SIGMOID = 4
    HARDSIGMOID = 5
    HARDSWISH = 6
    RELU6 = 7
    TANH = 8
    GELU_TANH = 9


class PoolKind(IntEnum):
    """Numbers the results that a pool may compute of its window."""

    MAXIMUM = 0
    AVERAGE = 1


class Function(IntEnum):
    """Numbers the functions of one number, with up to two parameters a and b."""

    SIGMOID = 0
    HARDSIGMOID = 1
    HARDSWISH = 2
    CLAMP = 3  # between a and b
    TANH = 4
    GELU_TANH = 5
    LEAKY_RELU = 6  # of slope a below zero
    ELU = 7  # b * (x above zero, a * (exp(x) - 1) below it)
    EXP = 8
    LOG = 9
    SQRT = 10
    RSQRT = 11
    POWER = 12  # to the exponent a
    ABS = 13
    RECIPROCAL = 14
    SOFTPLUS = 15  # log(1 + exp(a * x)) / a, or x if a * x is above b
    MISH = 16
    SIN = 17
    COS = 18
    ERF = 19
    FLOOR = 20
    CEIL = 21
    ROUND = 22  # halves to even
    SIGN = 23


class Arithmetic(IntEnum):
    """Numbers the operators of `Binary`; from `GREATER` on, the result is 1 or 0."""

    ADD = 0
    SUBTRACT = 1
    MULTIPLY = 2
    DIVIDE = 3
    MAXIMUM = 4
    MINIMUM = 5
    POWER = 6
    GREATER = 7
    GREATER_EQUAL = 8
    EQUAL = 9
    NOT_EQUAL = 10


class Reduce(IntEnum):
    """Numbers the results that `Reduction` may compute of its values x."""

    SUM = 0  # scale * sum of x
    MAXIMUM = 1
    MINIMUM = 2
    SQUARES = 3  # scale * sum of x^2 + eps
    ROOT = 4  # the square root of that
    INVERSE_ROOT = 5  # 1 over that root


COUNTS: dict[type[IntEnum], tuple[int, ...]] = {
    Kind: (14, 19, 21),
    Activation: (4, 10, 10),
    PoolKind: (2, 2, 2),
    Function: (0, 24, 24),
    Arithmetic: (0, 7, 11),
    Reduce: (0, 6, 6),
}
"""How many numbers of an enumeration, from zero on, plans of version 1, 2 and so on may hold."""

FUNCTION_OF: dict[Activation, Function] = {
    Activation.SIGMOID: Function.SIGMOID,
    Activation.HARDSIGMOID: Function.HARDSIGMOID,
    Activation.TANH: Function.TANH,
    Activation.GELU_TANH: Function.GELU_TANH,
}
"""The activations that run after a kernel, as functions; kernels are compiled for the others."""


def version_of(number: IntEnum) -> int:
    """Return the lowest version of plans that may hold this number."""
    counts = COUNTS[type(number)]
    return next(version for version, count in enumerate(counts, 1) if number < count)

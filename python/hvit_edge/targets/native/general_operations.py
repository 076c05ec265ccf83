"""The operations that plans of version 1 do not have: slower than layers, and of any tensor.

Shapes and meaning are in cpp/src/native/operations.h, the order of fields in read_general.cpp.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from hvit_edge.targets.native.operations import Activation, Matrices, Operation, Side
from hvit_edge.targets.native.values import Buffer, Rows


class Function(IntEnum):
    """A function of one number, with up to two parameters a and b."""

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
    SOFTPLUS = 15  # log(1 + exp(a * x)) / a, or x where a * x is above b
    MISH = 16
    SIN = 17
    COS = 18
    ERF = 19
    FLOOR = 20
    CEIL = 21
    ROUND = 22
    SIGN = 23


class Arithmetic(IntEnum):
    """What `Binary` makes of two values; from `GREATER` on one or zero, in plans of version 3."""

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
    """What `Reduction` makes of its values x."""

    SUM = 0  # scale * sum of x
    MAXIMUM = 1
    MINIMUM = 2
    SQUARES = 3  # scale * sum of x^2 + eps
    ROOT = 4  # the square root of that
    INVERSE_ROOT = 5  # 1 over that root


@dataclass
class Unary(Operation):
    """function(input), value by value."""

    function: Function
    a: float
    b: float
    input: Rows
    output: Rows


@dataclass
class Binary(Operation):
    """activation(left op right), value by value."""

    kind: Arithmetic
    left: Side
    right: Side
    output: Rows
    activation: Activation = Activation.NONE


@dataclass
class Select(Operation):
    """left where the condition is not zero, else right, value by value."""

    condition: Side
    left: Side
    right: Side
    output: Rows


@dataclass
class Transpose(Operation):
    """Matrices [rows, columns] whose values are fixed ways apart, side by side.

    Attributes:
        step: values from column to column of `input`.
    """

    rows: int
    columns: int
    input: Matrices
    step: int
    output: Buffer


@dataclass
class Reduction(Operation):
    """Of each `count` rows: column by column, or `across` of all their values to one."""

    kind: Reduce
    across: bool
    scale: float
    eps: float
    count: int
    input: Rows
    output: Rows


@dataclass
class Softmax(Operation):
    """Of each row, or its logarithm."""

    log: bool
    input: Rows
    output: Rows


@dataclass
class Matmul(Operation):
    """scale * left right, for each matrix of a batch.

    Attributes:
        step: values from column to column of `right`.
        scratch: `right` in panels.
    """

    rows: int
    depth: int
    columns: int
    left: Matrices
    right: Matrices
    step: int
    scale: float
    output: Matrices
    scratch: Buffer


@dataclass
class Parts(Operation):
    """Layers that write parts of one tensor, until they are written down one by one."""

    parts: list[Operation]

"""Define the operations that plans of version 1 do not have; they are general but slower.

They work on any tensor. Shapes and meaning are in cpp/src/native/operations.h, and the order of
fields is in read_general.cpp.
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
    LEAKY_RELU = 6  # slope a below zero
    ELU = 7  # b * (x above zero, a * (exp(x) - 1) below it)
    EXP = 8
    LOG = 9
    SQRT = 10
    RSQRT = 11
    POWER = 12  # x to the power of a
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
    """The operators of `Binary`; from `GREATER` on the result is 1 or 0, in plans of version 3."""

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
    """The results that `Reduction` computes of its values x."""

    SUM = 0  # scale * sum of x
    MAXIMUM = 1
    MINIMUM = 2
    SQUARES = 3  # scale * sum of x^2 + eps
    ROOT = 4  # the square root of `SQUARES`
    INVERSE_ROOT = 5  # 1 / `ROOT`


@dataclass
class Unary(Operation):
    """Computes function(input) of each value."""

    function: Function
    a: float
    b: float
    input: Rows
    output: Rows


@dataclass
class Binary(Operation):
    """Computes activation(left op right) of each pair of values."""

    kind: Arithmetic
    left: Side
    right: Side
    output: Rows
    activation: Activation = Activation.NONE


@dataclass
class Select(Operation):
    """Chooses each value from `left` if the condition is not zero, else from `right`."""

    condition: Side
    left: Side
    right: Side
    output: Rows


@dataclass
class Transpose(Operation):
    """Copies matrices [rows, columns] with regular strides to contiguous ones.

    Attributes:
        step: the distance between columns of `input`, in values.
    """

    rows: int
    columns: int
    input: Matrices
    step: int
    output: Buffer


@dataclass
class Reduction(Operation):
    """Reduces each `count` rows by column, or to one value if `across` is set."""

    kind: Reduce
    across: bool
    scale: float
    eps: float
    count: int
    input: Rows
    output: Rows


@dataclass
class Softmax(Operation):
    """Computes the softmax of each row, or its logarithm."""

    log: bool
    input: Rows
    output: Rows


@dataclass
class Matmul(Operation):
    """Computes scale * left right for each matrix of a batch.

    Attributes:
        step: the distance between columns of `right`, in values.
        scratch: memory for `right` in panels.
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
    """Holds layers that write parts of one tensor, until each is written down."""

    parts: list[Operation]

"""Define the operations that plans of version 1 do not have; they are general but slower.

They work on any tensor. Shapes and meaning are in cpp/src/native/operations.h, and the order of
fields is in read_general.cpp.
"""

from __future__ import annotations

from dataclasses import dataclass

from hvit_edge.targets.native.kinds import Activation, Arithmetic, Function, Reduce
from hvit_edge.targets.native.operations import Matrices, Operation, Side
from hvit_edge.targets.native.values import Buffer, Rows


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

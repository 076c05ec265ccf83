"""Represent a function of a Core ML program that was read from a package."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, Union

import torch

Given = Union["Variable", list["Variable"]]
CONST = "const"


class Opset(IntEnum):
    """Names the first iOS version with each version of the specification."""

    iOS15 = 6
    iOS16 = 7
    iOS17 = 8
    iOS18 = 9
    iOS26 = 10


@dataclass(eq=False, slots=True)
class Variable:
    """Represents an input, a constant or the result of an operator.

    Attributes:
        name: its name.
        shape: its shape, with None for each flexible dimension.
        dtype: its dtype; None for labels, lists and dictionaries.
        op: the operator that computes it; None for an input of the function.
        val: the value of a constant: an array, a string or a list of labels; None for any other.
    """

    name: str
    shape: tuple[int | None, ...]
    dtype: torch.dtype | None
    op: Operation | None = None
    val: Any = None


@dataclass(eq=False, slots=True)
class Operation:
    """Represents an operator, with the attributes that coremltools' operators have as well.

    Attributes:
        op_type: its type, such as "conv".
        name: its name.
        opset_version: the opset that says what it means.
        inputs: a variable, or a list of them for a tuple, by the name of the input.
        outputs: its results.
    """

    op_type: str
    name: str
    opset_version: Opset
    inputs: dict[str, Given] = field(default_factory=dict)
    outputs: list[Variable] = field(default_factory=list)


@dataclass(eq=False, slots=True)
class Function:
    """Represents a function of a program.

    Attributes:
        opset_version: the opset of its operators.
        inputs: its inputs by name.
        operations: its operators in the order of execution.
        outputs: its outputs.
    """

    opset_version: Opset
    inputs: dict[str, Variable]
    operations: list[Operation] = field(default_factory=list)
    outputs: list[Variable] = field(default_factory=list)

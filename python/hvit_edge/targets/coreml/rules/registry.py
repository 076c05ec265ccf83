"""Register the rule that translates each ATen operator."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
from coremltools.converters.mil import Builder as mb
from coremltools.converters.mil.mil import Var
from torch.fx import Node

from hvit_edge.lowering.graph import argument, shape_of
from hvit_edge.quantize.ranges import Range
from hvit_edge.targets.coreml.values import Value, plain


@dataclass(frozen=True)
class Call:
    """Holds an operator of the graph and the tensors that it reads.

    Attributes:
        node: the operator's node in the rewritten graph.
        values: tensors by the node that computes them.
        native_attention: True if the program may call Core ML's attention operator (iOS 18).
        ranges: int8 ranges of layers' inputs, by the layer's node; empty for float programs.
    """

    node: Node
    values: dict[Node, Value]
    native_attention: bool
    ranges: Mapping[Node, Range] = field(default_factory=dict)

    def tensor(self, position: int, name: str = "") -> Value:
        """Return a tensor argument.

        Raises:
            ValueError: the argument is not given.
        """
        value = self.optional_tensor(position, name)
        if value is None:
            raise ValueError(f"expected a tensor as argument {name or position}")
        return value

    def optional_tensor(self, position: int, name: str) -> Value | None:
        """Return a tensor argument; None if it is not given."""
        given = argument(self.node, position, name)
        return self.values[given] if isinstance(given, Node) else None

    def optional_array(self, position: int, name: str) -> np.ndarray | None:
        """Return a constant argument as `array` does; None if it is not given."""
        given = self.optional_tensor(position, name)
        return None if given is None else self.array(position, name)

    def array(self, position: int, name: str = "") -> np.ndarray:
        """Return a constant argument in PyTorch's order.

        Raises:
            TypeError: the argument is computed.
            ValueError: the argument is not given.
        """
        value = self.tensor(position, name)
        if not value.is_constant:
            raise TypeError(f"expected a constant {name or position}")
        array = Value(value.data, value.layout)  # a copy, since others read the value in its order
        plain(array)
        return np.asarray(array.data).reshape(array.layout.shape)

    def option(self, position: int, name: str, default: object = None) -> Any:
        """Return an argument that is not a tensor."""
        return argument(self.node, position, name, default)

    def rounded(self, data: Var) -> Var:
        """Return what a layer reads, rounded to int8 if the layer has a range."""
        chosen = self.ranges.get(self.node)
        if chosen is None:
            return data
        step = {"scale": np.float32(chosen.scale), "zero_point": np.int8(chosen.zero_point)}
        return mb.dequantize(input=mb.quantize(input=data, output_dtype="int8", **step), **step)

    @property
    def shape(self) -> list[int]:
        """Return the logical shape of the result."""
        return shape_of(self.node)


Rule = Callable[[Call], Value | tuple[Value, ...]]
Decorated = TypeVar("Decorated", bound=Rule)
RULES: dict[object, Rule] = {}


def rule(*operators: object) -> Callable[[Decorated], Decorated]:
    """Let the decorated function translate `operators`."""

    def register(function: Decorated) -> Decorated:
        RULES.update(dict.fromkeys(operators, function))
        return function

    return register

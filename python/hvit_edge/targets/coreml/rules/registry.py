"""Which rule translates which ATen operator."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from coremltools.converters.mil import Builder as mb
from coremltools.converters.mil.mil import Var
from torch.fx import Node

from hvit_edge.lowering.graph import argument, shape_of
from hvit_edge.quantize.ranges import Range
from hvit_edge.targets.coreml.values import Value, plain


@dataclass(frozen=True)
class Call:
    """An operator of the graph and the tensors that it reads.

    Attributes:
        node: of the rewritten graph.
        values: tensors by the node that gave them.
        native_attention: whether the program may call Core ML's own attention (iOS 18).
        ranges: int8 ranges of what layers read, by the layer's node; none for float programs.
    """

    node: Node
    values: dict[Node, Value]
    native_attention: bool
    ranges: Mapping[Node, Range] = field(default_factory=dict)

    def tensor(self, position: int, name: str = "") -> Value | None:
        """A tensor argument; None where it is not given."""
        given = argument(self.node, position, name)
        return self.values[given] if isinstance(given, Node) else None

    def array(self, position: int, name: str = "") -> np.ndarray | None:
        """A constant argument in PyTorch's order; None where it is not given.

        Raises:
            TypeError: the argument is computed.
        """
        value = self.tensor(position, name)
        if value is None:
            return None
        if not value.is_constant:
            raise TypeError(f"a constant {name or position}")
        array = Value(value.data, value.layout)  # others read the value as it is arranged
        plain(array)
        return np.asarray(array.data).reshape(array.layout.shape)

    def option(self, position: int, name: str, default: object = None) -> object:
        """An argument that is no tensor."""
        return argument(self.node, position, name, default)

    def rounded(self, data: Var) -> Var:
        """What a layer reads: rounded to int8 where it has a range."""
        chosen = self.ranges.get(self.node)
        if chosen is None:
            return data
        step = {"scale": np.float32(chosen.scale), "zero_point": np.int8(chosen.zero_point)}
        return mb.dequantize(input=mb.quantize(input=data, output_dtype="int8", **step), **step)

    @property
    def shape(self) -> list[int]:
        """The logical shape of the result."""
        return shape_of(self.node)


Rule = Callable[[Call], Value | tuple[Value, ...]]
RULES: dict[object, Rule] = {}


def rule(*operators: object) -> Callable[[Rule], Rule]:
    """Let the decorated function translate `operators`."""

    def register(function: Rule) -> Rule:
        RULES.update(dict.fromkeys(operators, function))
        return function

    return register

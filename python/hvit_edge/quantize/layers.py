"""Find the operators of a rewritten graph that have weights worth quantizing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch.fx import GraphModule, Node

from hvit_edge.lowering.fourier import is_fourier_matrix
from hvit_edge.lowering.graph import (
    argument,
    aten,
    constant_tensor,
    has_constant_weights,
    is_call,
    is_constant,
    module_path,
    nodes_calling,
    only_user,
    shape_of,
)

CONVOLUTIONS = (aten.conv2d.default, aten.conv2d.padding)
LINEAR = aten.linear.default
SUM_TOLERANCE = 1e-5  # of a float32 sum of a row of weights


@dataclass(frozen=True)
class Geometry:
    """Says how a convolution moves over its map: (vertical, horizontal) each, and its groups."""

    stride: tuple[int, int]
    padding: tuple[int, int]
    dilation: tuple[int, int]
    groups: int


@dataclass(frozen=True)
class Layer:
    """Represents a convolution or linear with constant weights.

    Attributes:
        node: the operator.
        weight: the constant node of its weights, output channels first.
        output: `node`, or the ReLU after it that the delegate fuses into it.
    """

    node: Node
    weight: Node
    output: Node

    @property
    def name(self) -> str:
        """Return the module's path and the operator's name, which is unique in the graph."""
        return ":".join(filter(None, (module_path(self.node), self.node.name)))

    @property
    def source(self) -> Node:
        """Return the node of the tensor that the layer reads."""
        return self.node.args[0]

    @property
    def is_linear(self) -> bool:
        return self.node.target is LINEAR

    @property
    def bias(self) -> Node | None:
        return argument(self.node, 2, "bias")

    @property
    def geometry(self) -> Geometry:
        """Return the geometry of a convolution."""
        stride = _pair(argument(self.node, 3, "stride", 1))
        dilation = _pair(argument(self.node, 5, "dilation", 1))
        padding = argument(self.node, 4, "padding", 0)
        if isinstance(padding, str):
            reach = [d * (k - 1) for d, k in zip(dilation, shape_of(self.weight)[2:], strict=True)]
            padding = [r // 2 for r in reach] if padding == "same" else 0
        return Geometry(stride, _pair(padding), dilation, argument(self.node, 6, "groups", 1))

    @property
    def is_depthwise(self) -> bool:
        groups = 1 if self.is_linear else self.geometry.groups
        return groups > 1 and shape_of(self.weight)[1] == 1

    @property
    def is_pointwise(self) -> bool:
        """Return True for a convolution that reads one pixel for each pixel that it writes."""
        if self.is_linear or shape_of(self.weight)[2:] != [1, 1]:
            return False
        return self.geometry == Geometry((1, 1), (0, 0), self.geometry.dilation, 1)

    @property
    def multiply_adds(self) -> int:
        """Return the number of multiply-adds of one inference."""
        outputs, *per_output = shape_of(self.weight)
        elements = self.node.meta["val"].numel()
        for size in per_output:
            elements *= size
        return elements


def _pair(value: int | list[int] | tuple[int, ...]) -> tuple[int, int]:
    values = [value] if isinstance(value, int) else list(value)
    return (values[0], values[-1])


def find_layers(graph: GraphModule) -> list[Layer]:
    """Return the layers in graph order, without those that rewrites made: averages, copies and
    Fourier transforms.
    """
    return list(_layers(graph))


def _layers(graph: GraphModule) -> Iterator[Layer]:
    for node in nodes_calling(graph, LINEAR, *CONVOLUTIONS):
        weight = node.args[1]
        if not has_constant_weights(node) or _pads_unevenly(node) or is_fourier_matrix(weight):
            continue
        if not is_average(constant_tensor(graph, weight)):
            user = only_user(node)
            output = user if is_call(user, aten.relu.default) else node
            yield Layer(node, weight, output)


def _pads_unevenly(node: Node) -> bool:
    """Return True if a side is padded more than the other, as by "same" with an even
    kernel reach.
    """
    if argument(node, 4, "padding", 0) != "same":
        return False
    dilation = _pair(argument(node, 5, "dilation", 1))
    return any(d * (k - 1) % 2 for d, k in zip(dilation, shape_of(node.args[1])[2:], strict=True))


def is_average(weight: torch.Tensor) -> bool:
    """Return True if the weights repeat, add, average or interpolate: int8 would only blur them.

    Either all weights are equal, or all are zeros and ones, or none is negative and the weights of
    each output add up to one.
    """
    if bool((weight == weight.flatten()[0]).all()) or bool(((weight == 0) | (weight == 1)).all()):
        return True
    sums = weight.double().flatten(1).sum(1)
    return bool((weight >= 0).all()) and bool(((sums - 1).abs() < SUM_TOLERANCE).all())


def is_helper(graph: GraphModule, node: Node) -> bool:
    """Return True if `node` is a linear that computes averages."""
    return (
        is_call(node, LINEAR)
        and is_constant(node.args[1])
        and is_average(constant_tensor(graph, node.args[1]))
    )

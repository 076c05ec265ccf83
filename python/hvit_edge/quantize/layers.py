"""Which operators of a rewritten graph carry weights that are worth quantising."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch.fx import GraphModule, Node

from hvit_edge.lowering.graph import (
    argument,
    aten,
    constant_tensor,
    is_call,
    is_constant,
    module_path,
    nodes_calling,
    only_user,
)

CONVOLUTIONS = (aten.conv2d.default, aten.conv2d.padding)
LINEAR = aten.linear.default
SUM_TOLERANCE = 1e-5  # float32 sums of a row of weights
VIEWS = (aten.permute.default, aten.reshape.default)


@dataclass(frozen=True)
class Layer:
    """A convolution or linear with constant weights.

    Attributes:
        node: the operator.
        source: the tensor that it reads.
        weight: the constant node of its weights, output channels first.
        output: `node`, or the ReLU behind it that the delegate fuses into it.
    """

    node: Node
    source: Node
    weight: Node
    output: Node

    @property
    def name(self) -> str:
        """The module's path and the operator's own name, unique in the graph."""
        return ":".join(filter(None, (module_path(self.node), self.node.name)))

    @property
    def is_linear(self) -> bool:
        return self.node.target is LINEAR

    @property
    def bias(self) -> Node | None:
        return argument(self.node, 2, "bias")

    @property
    def is_depthwise(self) -> bool:
        groups = 1 if self.is_linear else argument(self.node, 6, "groups", 1)
        return groups > 1 and self.weight.meta["val"].shape[1] == 1


def find_layers(graph: GraphModule) -> list[Layer]:
    """The layers in graph order, without what rewrites made of averages and copies."""
    return list(_layers(graph))


def _layers(graph: GraphModule) -> Iterator[Layer]:
    for node in nodes_calling(graph, LINEAR, *CONVOLUTIONS):
        source, weight = node.args[:2]
        if is_constant(weight) and not is_average(constant_tensor(graph, weight)):
            user = only_user(node)
            output = user if is_call(user, aten.relu.default) else node
            yield Layer(node, source, weight, output)


def is_average(weight: torch.Tensor) -> bool:
    """Whether the weights repeat, average or interpolate: int8 would only blur them.

    Either every weight is the same, or none is negative and every output's sum is one.
    """
    if bool((weight == weight.flatten()[0]).all()):
        return True
    sums = weight.double().flatten(1).sum(1)
    return bool((weight >= 0).all()) and bool(((sums - 1).abs() < SUM_TOLERANCE).all())


def is_helper(graph: GraphModule, node: Node) -> bool:
    """Whether `node` is a linear that takes averages."""
    return (
        is_call(node, LINEAR)
        and is_constant(node.args[1])
        and is_average(constant_tensor(graph, node.args[1]))
    )

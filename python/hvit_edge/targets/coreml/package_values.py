"""Find the weights and values of a Core ML program's layers by the nodes of its graph.

Linears and convolutions of the graph become convolutions of the program, in the same order.
coremltools keeps only one of several equal layers, and removes layers that read constants.
Convolutions that come from other operators of the graph are not layers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch.fx import GraphModule, Node

from hvit_edge.coreml import Program
from hvit_edge.errors import LoweringError
from hvit_edge.lowering.graph import aten, nodes_calling, shape_of
from hvit_edge.targets.target import Values

LINEAR = aten.linear.default
LAYERS = (LINEAR, aten.conv2d.default)
HALF_SUFFIX = "_cast_fp16"
"""Suffix that coremltools adds to the name of an operator that it converts to float16."""
ROUNDING = ("dequantize", "quantize", "cast")
"""Operators that may be between a layer and its input in the graph."""


@dataclass(frozen=True)
class PackageLayer:
    """Holds a layer of the graph and its convolution in the program.

    Attributes:
        node: node of the graph.
        weight: decompressed weight of the program, in the shape of the graph's weight.
        source, output: ids of the variables of the program that are its input before rounding, and
            its output.
        bias: bias of the program, None if it has none.
    """

    node: Node
    weight: torch.Tensor
    source: int
    output: int
    bias: torch.Tensor | None = None


def package_layers(
    graph: GraphModule, program: Program, names: Mapping[str, str]
) -> list[PackageLayer]:
    """Match the layers of a graph with the layers of its program.

    Args:
        graph, program: the translated graph, and the resulting program.
        names: names of nodes of the graph, by the names of their operators in the program.

    Raises:
        LoweringError: the program has other layers.
    """
    every = list(nodes_calling(graph, *LAYERS))
    others = {node.name for node in graph.graph.nodes} - {node.name for node in every}
    origins = {
        step.op: names.get(step.op.name.removesuffix(HALF_SUFFIX))
        for step in program.steps
        if step.op.op_type == "conv"
    }
    steps = [s for s in program.steps if s.op in origins and origins[s.op] not in others]
    kept = {origins[step.op] for step in steps}
    nodes = every if len(steps) == len(every) else [node for node in every if node.name in kept]
    shapes = [tuple(shape_of(node.args[1])) for node in nodes]
    weights = [step.fixed["weight"].float() for step in steps if "weight" in step.fixed]
    found = [_as_stored(w, node) for w, node in zip(weights, nodes, strict=False)]
    if len(weights) != len(nodes) or shapes != [tuple(w.shape) for w in found]:
        raise LoweringError(
            f"[coreml] expected a program with the {len(every)} layers of its graph, got"
            f" {len(weights)}, or of other shapes; report it with the model"
        )
    layers = [
        PackageLayer(
            node,
            weight,
            id(_before_rounding(step.op.inputs["x"])),
            id(step.op.outputs[0]),
            step.fixed.get("bias"),
        )
        for node, weight, step in zip(nodes, found, steps, strict=True)
    ]
    missing = [node for node in every if node not in nodes]
    twins = [(node, layer) for node in missing for layer in layers if _is_same(node, layer.node)]
    return [*layers, *(replace(layer, node=node) for node, layer in twins)]


def _is_same(node: Node, other: Node) -> bool:
    """Return True if two layers have the same operator and the same arguments."""
    return (node.target, node.args, node.kwargs) == (other.target, other.args, other.kwargs)


def package_values(
    layers: list[PackageLayer], program: Program, inputs: dict[str, np.ndarray]
) -> Values:
    """Run a program, and return the inputs and outputs of its layers by node of the graph."""
    wanted = {number for layer in layers for number in (layer.source, layer.output)}
    stored: dict[int, torch.Tensor] = {}

    def keep(operation: Any, results: list[Any]) -> None:
        for variable, result in zip(operation.outputs, results, strict=True):
            if id(variable) in wanted:
                stored[id(variable)] = result.float().clone()

    program.run(inputs, watch=keep)
    values: dict[str, torch.Tensor] = {}
    for layer in layers:
        is_linear = layer.node.target is LINEAR
        for node, number in ((layer.node.args[0], layer.source), (layer.node, layer.output)):
            if number in stored and node.name not in values:
                values[node.name] = _in_order(stored[number], shape_of(node), is_linear)
    return values


def _as_stored(weight: torch.Tensor, node: Node) -> torch.Tensor:
    return weight[:, :, 0, 0] if node.target is LINEAR else weight


def _before_rounding(variable: Any) -> Any:
    while variable.op is not None and variable.op.op_type in ROUNDING:
        variable = variable.op.inputs["x" if variable.op.op_type == "cast" else "input"]
    return variable


def _in_order(stored: torch.Tensor, shape: list[int], is_linear: bool) -> torch.Tensor:
    """Return a value in the layout of PyTorch; programs store the features of tokens second."""
    return (stored.movedim(1, -1) if is_linear else stored).reshape(shape)

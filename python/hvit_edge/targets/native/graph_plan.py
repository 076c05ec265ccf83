"""From a graph to the bytes of a plan."""

from __future__ import annotations

import math
from dataclasses import dataclass

from torch.fx import GraphModule, Node

from hvit_edge.lowering.graph import shape_of
from hvit_edge.targets.native import (
    lower_attention,
    lower_int8,
    lower_operators,
    lower_pad,
    lower_views,
)
from hvit_edge.targets.native.emitter import Emitter, refuse
from hvit_edge.targets.native.inverted_residuals import fuse_inverted_residuals
from hvit_edge.targets.native.operations import Operation
from hvit_edge.targets.native.values import Buffer, Number, Space, Value, dense
from hvit_edge.targets.native.write_plan import write_plan

LOWERINGS = {
    **lower_views.LOWERINGS,
    **lower_operators.LOWERINGS,
    **lower_attention.LOWERINGS,
    **lower_int8.LOWERINGS,
    **lower_pad.LOWERINGS,
}
"""How each operator becomes an operation, or a view that costs nothing."""


@dataclass(frozen=True)
class Plan:
    """What the native backend runs.

    Attributes:
        data: for the backend.
        operations: in the order in which they run.
        nodes: operators of the graph that became part of them.
    """

    data: bytes
    operations: tuple[Operation, ...]
    nodes: int


def plan_graph(graph: GraphModule, number: Number = Number.FLOAT32) -> Plan:
    """Lower a graph of one input and one output, both float32.

    Args:
        graph: rewritten.
        number: what the plan computes in where it is not int8.

    Raises:
        LoweringError: an operator is not one of `LOWERINGS`, or not in a form that is.
    """
    emit = Emitter(graph)
    inputs, outputs, nodes = None, None, 0
    for node in graph.graph.nodes:
        if node.op == "placeholder":
            if inputs is not None:
                raise refuse(node, "a second input")
            inputs = Buffer(math.prod(shape_of(node)), Space.INPUT)
            emit.values[node] = Value(inputs, dense(tuple(shape_of(node))))
        elif node.op == "get_attr":
            if emit.constant(node).is_floating_point():
                emit.put_constant(node)
        elif node.op == "call_function":
            if node.target not in LOWERINGS:
                raise refuse(node, str(node.target))
            LOWERINGS[node.target](emit, node)
            nodes += 1
        elif node.op == "output":
            outputs = _finish(emit, node)
    operations = fuse_inverted_residuals(emit.operations, number)
    return Plan(write_plan(operations, inputs, outputs, number), tuple(operations), nodes)


def _finish(emit: Emitter, node: Node) -> Buffer:
    results = node.args[0]
    results = list(results) if isinstance(results, list | tuple) else [results]
    if len(results) != 1:
        raise refuse(node, f"{len(results)} outputs")
    shape = tuple(shape_of(results[0]))
    buffer = Buffer(math.prod(shape), Space.OUTPUT)
    emit.join(node, results, Value(buffer, dense(shape)))
    return buffer

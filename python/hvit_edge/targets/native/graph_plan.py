"""From a graph to the bytes of a plan."""

from __future__ import annotations

import math
import operator
from dataclasses import dataclass

import torch
from torch.fx import GraphModule, Node

from hvit_edge.lowering.graph import shape_of
from hvit_edge.metadata import OperatorRecord
from hvit_edge.targets.native import (
    lower_attention,
    lower_choices,
    lower_convolutions,
    lower_elementwise,
    lower_int8,
    lower_matmul,
    lower_norms,
    lower_operators,
    lower_pad,
    lower_pools,
    lower_reductions,
    lower_views,
    lower_writes,
)
from hvit_edge.targets.native.emitter import Emitter, refuse
from hvit_edge.targets.native.inverted_residuals import fuse_inverted_residuals
from hvit_edge.targets.native.operations import Operation
from hvit_edge.targets.native.refusals import Refusal, refuse_all
from hvit_edge.targets.native.values import Buffer, Number, Space, Value, dense, filled, fresh
from hvit_edge.targets.native.write_plan import write_plan

LOWERINGS = {
    **lower_views.LOWERINGS,
    **lower_operators.LOWERINGS,
    **lower_convolutions.LOWERINGS,
    **lower_elementwise.LOWERINGS,
    **lower_pools.LOWERINGS,
    **lower_reductions.LOWERINGS,
    **lower_norms.LOWERINGS,
    **lower_matmul.LOWERINGS,
    **lower_attention.LOWERINGS,
    **lower_int8.LOWERINGS,
    **lower_pad.LOWERINGS,
    **lower_writes.LOWERINGS,
    **lower_choices.LOWERINGS,
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


def records_of(plan: Plan) -> tuple[OperatorRecord, ...]:
    """Return the kind and the module of each operation."""
    return tuple(
        OperatorRecord(*operation.name.partition(" ")[::2]) for operation in plan.operations
    )


def plan_graph(graph: GraphModule, number: Number = Number.FLOAT32) -> Plan:
    """Lower a graph of one input and one output, both float32.

    Args:
        graph: rewritten.
        number: what the plan computes in where it is not int8.

    Raises:
        LoweringError: an operator is not one of `LOWERINGS`, or not in a form that is.
    """
    plan = try_plan(graph, number)
    if isinstance(plan, Plan):
        return plan
    raise refuse_all(plan)


def try_plan(graph: GraphModule, number: Number) -> Plan | list[Refusal]:
    """Lower as `plan_graph` does, or return all operators that are refused."""
    emit = Emitter(graph)
    inputs, outputs, nodes = None, None, 0
    refusals: list[Refusal] = []
    for node in graph.graph.nodes:
        try:
            if node.op == "placeholder":
                if inputs is not None:
                    raise refuse(node, "a second input")
                inputs = Buffer(math.prod(shape_of(node)), Space.INPUT)
                emit.values[node] = Value(inputs, dense(tuple(shape_of(node))))
            elif node.op == "get_attr":
                _put_constant(emit, node)
            elif node.op == "call_function":
                nodes += _lower(emit, node)
            elif node.op == "output" and not refusals:
                outputs = _finish(emit, node)
        except Refusal as refusal:
            refusals.append(refusal)
            _stand_in(emit, node)
    if refusals:
        return refusals
    operations = fuse_inverted_residuals(emit.operations, number)
    return Plan(write_plan(operations, inputs, outputs, number), tuple(operations), nodes)


def _put_constant(emit: Emitter, node: Node) -> None:
    """But for codes of int8 layers, which those layers read themselves."""
    if emit.constant(node).dtype != torch.int8:
        emit.put_constant(node)


def _lower(emit: Emitter, node: Node) -> int:
    """Lower one operator; returns how many operators of the graph that were."""
    if node.target is operator.getitem:  # lowered with the operator whose outputs these are
        return 0
    made = node.meta.get("val")
    if node.target not in LOWERINGS:
        raise refuse(node, str(node.target))
    if isinstance(made, torch.Tensor) and made.dtype not in _numbers_of(node):
        raise refuse(node, f"{node.target} of {made.dtype}")
    LOWERINGS[node.target](emit, node)
    return 1


def _numbers_of(node: Node) -> tuple[torch.dtype, ...]:
    """The kinds of numbers that an operator may give."""
    is_view = node.target in lower_views.LOWERINGS
    if is_view or node.target in lower_choices.OF_TRUTH_VALUES:
        return (torch.float32, torch.int8, torch.bool)
    return (torch.float32, torch.int8)


def _stand_in(emit: Emitter, node: Node) -> None:
    """Let what follows a refused operator be looked at too."""
    for made in (node, *(user for user in node.users if user.target is operator.getitem)):
        if isinstance(made.meta.get("val"), torch.Tensor):
            emit.values[made] = fresh(shape_of(made)) if shape_of(made) else filled((), 0.0)


def _finish(emit: Emitter, node: Node) -> Buffer:
    results = node.args[0]
    results = list(results) if isinstance(results, list | tuple) else [results]
    if len(results) != 1:
        raise refuse(node, f"{len(results)} outputs")
    if results[0].meta["val"].dtype is not torch.float32:
        raise refuse(results[0], f"an output of {results[0].meta['val'].dtype}")
    shape = tuple(shape_of(results[0]))
    buffer = Buffer(math.prod(shape), Space.OUTPUT)
    emit.join(node, results, Value(buffer, dense(shape)))
    return buffer

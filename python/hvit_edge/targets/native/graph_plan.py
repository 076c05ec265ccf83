"""Lower a graph to the bytes of a plan."""

from __future__ import annotations

import math
import operator
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch.fx import GraphModule, Node

from hvit_edge.artifact.metadata import OperatorRecord
from hvit_edge.lowering.graph import argument, aten, is_static, shape_of
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
    lower_transposed_convolutions,
    lower_views,
    lower_writes,
)
from hvit_edge.targets.native.constant_pool import ConstantPool
from hvit_edge.targets.native.emitter import Emitter, refuse
from hvit_edge.targets.native.inverted_residuals import fuse_inverted_residuals
from hvit_edge.targets.native.operations import Operation
from hvit_edge.targets.native.refusals import Refusal, refuse_all
from hvit_edge.targets.native.values import Buffer, Number, Space, Value, dense, filled, fresh
from hvit_edge.targets.native.write_plan import write_plan
from hvit_edge.targets.write_out import write_out

LOWERINGS = {
    **lower_views.LOWERINGS,
    **lower_operators.LOWERINGS,
    **lower_convolutions.LOWERINGS,
    **lower_transposed_convolutions.LOWERINGS,
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
"""The function that lowers each operator, to an operation or to a view that costs nothing."""

COUNTS = (aten.sum.default, aten.sum.dim_IntList)
"""The operators that count booleans; float32 holds the counts exactly."""


@dataclass(frozen=True)
class Plan:
    """Holds the plan that the native backend runs.

    Attributes:
        data: the bytes of the plan.
        operations: the operations in the order in which they run.
        nodes: the number of operators of the graph that became part of them.
    """

    data: bytes
    operations: tuple[Operation, ...]
    nodes: int


def records_of(plan: Plan) -> tuple[OperatorRecord, ...]:
    """Return the kind and the module of each operation."""
    return tuple(
        OperatorRecord(*operation.name.partition(" ")[::2]) for operation in plan.operations
    )


def write_out_rest(graph: GraphModule) -> bool:
    """Replace operators that the backend does not run by operators that it runs, in place.

    Returns:
        True if any was replaced.
    """
    return write_out(graph, LOWERINGS, _takes, where=_reads_floats)


def _takes(node: Node) -> bool:
    """Return True if the backend runs a call, as far as can be seen before it is lowered."""
    made = node.meta.get("val")
    if node.target not in LOWERINGS or not _reads_floats(node):
        return False
    if isinstance(made, torch.Tensor) and not _gives(node, made.dtype):
        return False
    if node.target is aten.einsum.default:
        return lower_matmul.takes_einsum(node)
    if node.target is aten.div.Tensor_mode:
        return argument(node, 2, "rounding_mode") is None
    if node.target is aten.linalg_vector_norm.default:
        return lower_reductions.takes_norm(node)
    return node.target not in lower_views.MOVES or all(
        source is node.args[0] or source.op == "get_attr" for source in node.all_input_nodes
    )


def _reads_floats(node: Node) -> bool:
    """Return True if no input of a call is a computed integer, which the backend does not have."""
    return not any(
        source.op == "call_function"
        and source.target not in COUNTS
        and isinstance(source.meta.get("val"), torch.Tensor)
        and source.meta["val"].dtype in (torch.int32, torch.int64)
        for source in node.all_input_nodes
    )


def plan_graph(
    graph: GraphModule, number: Number = Number.FLOAT32, pool: ConstantPool | None = None
) -> Plan:
    """Lower a graph whose outputs are float32.

    All inputs are stored one after another in one stretch of memory, and all outputs in another. An
    input of integers or booleans is stored as float32, which is exact for integers up to 2**24.

    Args:
        graph: a rewritten graph; operators that the backend lacks are replaced by others in it.
        number: the number type that the plan computes in, except in int8 layers.
        pool: see `write_plan`.

    Raises:
        LoweringError: `LOWERINGS` does not have an operator, or not in this form.
    """
    write_out_rest(graph)
    plan = try_plan(graph, number, pool)
    if isinstance(plan, Plan):
        return plan
    raise refuse_all(plan)


def try_plan(
    graph: GraphModule, number: Number, pool: ConstantPool | None = None
) -> Plan | list[Refusal]:
    """Lower as `plan_graph` does, or return all operators that are refused."""
    emit = Emitter(graph)
    inputs, nodes = Buffer(0, Space.INPUT), 0
    outputs: Buffer | None = None
    refusals: list[Refusal] = []
    for node in graph.graph.nodes:
        try:
            if node.op == "placeholder":
                emit.values[node] = _append(inputs, tuple(shape_of(node)))
            elif node.op == "get_attr":
                _put_constant(emit, node)
            elif node.op == "call_function":
                nodes += _lower(emit, node)
            elif node.op == "output" and not refusals:
                outputs = _finish(emit, node)
        except Refusal as refusal:
            refusals.append(refusal)
            if not is_static(node):  # nothing after it has a known shape
                return refusals
            _stand_in(emit, node)
    if refusals or outputs is None:
        return refusals
    operations = fuse_inverted_residuals(emit.operations, number)
    data = write_plan(operations, inputs, outputs, number, pool)
    return Plan(data, tuple(operations), nodes)


def _append(buffer: Buffer, shape: tuple[int, ...]) -> Value:
    """Append room for a tensor to `buffer`."""
    places: np.ndarray = dense(shape) + buffer.size
    buffer.size += math.prod(shape)
    return Value(buffer, places)


def _put_constant(emit: Emitter, node: Node) -> None:
    """Make a constant a value, except int8 codes, which int8 layers read themselves."""
    if emit.constant(node).dtype != torch.int8:
        emit.put_constant(node)


def _lower(emit: Emitter, node: Node) -> int:
    """Lower one operator; return the number of operators of the graph that this covers."""
    if node.target is operator.getitem:  # it was lowered with the operator that it reads from
        return 0
    made = node.meta.get("val")
    if node.target not in LOWERINGS or not is_static(node):
        raise refuse(node, str(node.target))
    if isinstance(made, torch.Tensor) and not _gives(node, made.dtype):
        raise refuse(node, f"{node.target} of {made.dtype}")
    LOWERINGS[node.target](emit, node)
    return 1


def _gives(node: Node, dtype: torch.dtype) -> bool:
    """Return True if an operator may return this dtype; a view returns the dtype of its input.

    A conversion to integers rounds, but a boolean or an integer is one already.
    """
    if dtype in (torch.float32, torch.int8):
        return True
    if node.target in lower_views.LOWERINGS:
        given = node.args[0].meta["val"].dtype
        if given == dtype or not (given.is_floating_point or dtype == torch.bool):
            return True
    if dtype == torch.int64 and node.target in COUNTS:
        return node.args[0].meta["val"].dtype == torch.bool
    return dtype == torch.bool and node.target in lower_choices.OF_TRUTH_VALUES


def _stand_in(emit: Emitter, node: Node) -> None:
    """Put a placeholder value for a refused operator, so that later operators are checked too."""
    for made in (node, *(user for user in node.users if user.target is operator.getitem)):
        if isinstance(made.meta.get("val"), torch.Tensor):
            emit.values[made] = fresh(shape_of(made)) if shape_of(made) else filled((), 0.0)


def _finish(emit: Emitter, node: Node) -> Buffer:
    results = node.args[0]
    results = list(results) if isinstance(results, list | tuple) else [results]
    buffer = Buffer(0, Space.OUTPUT)
    for result in results:
        if result.meta["val"].dtype != torch.float32:
            raise refuse(result, f"an output of {result.meta['val'].dtype}")
        shape = tuple(shape_of(result))
        # A node that is an output twice gets memory of its own and is copied from there.
        value = emit.value(result) if results.count(result) > 1 else emit.values[result]
        emit.values[result] = replace(value, places=value.places.reshape(shape or (1,)))
        emit.join(node, [result], _append(buffer, shape or (1,)))
    return buffer

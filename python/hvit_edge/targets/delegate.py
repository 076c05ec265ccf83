"""Lower a rewritten graph to an ExecuTorch program whose operators a delegate runs."""

from __future__ import annotations

import logging
import operator
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass

import torch
from executorch.exir import EdgeCompileConfig, EdgeProgramManager, to_edge_transform_and_lower
from executorch.exir.backend.partitioner import Partitioner
from executorch.exir.backend.utils import WhyNoPartition
from executorch.exir.delegate import executorch_call_delegate
from executorch.exir.lowered_backend_module import LoweredBackendModule
from torch._ops import OpOverload
from torch.export import ExportedProgram
from torch.fx import GraphModule, Node

from hvit_edge.artifact.metadata import OperatorRecord
from hvit_edge.errors import LoweringError, first_line
from hvit_edge.lowering.graph import module_path
from hvit_edge.lowering.plain_layout import plain, store_plainly
from hvit_edge.targets.custom_operators import check_namespaces
from hvit_edge.targets.kernels import Place, check_kernels
from hvit_edge.targets.lowered_program import LoweredProgram, OutsideOp
from hvit_edge.targets.patches import fast_passes, fast_serialization
from hvit_edge.targets.refusals import source_line

COMPILE_CONFIG = EdgeCompileConfig(_check_ir_validity=False)
NO_EQUIVALENT = "the delegate has no operator for it, and no rewrite applies"
PARTITION_LOGGER = "executorch.backends.xnnpack.partition"


@dataclass(frozen=True)
class Lowered(LoweredProgram):
    """Holds a graph that ExecuTorch lowered.

    Attributes:
        edge: ExecuTorch's form of the lowered graph.
        delegates, ops_outside, ops_total, operators: see `LoweredProgram`.
        delegate_graph: the graph that the only delegate was given, in the delegate's form; None
            if it was not recorded.
    """

    edge: EdgeProgramManager
    delegates: int
    ops_outside: list[OutsideOp]
    ops_total: int
    operators: tuple[OperatorRecord, ...] = ()
    delegate_graph: object = None

    def places(self) -> dict[str, Place]:
        """Return the place of the first operator of each kind outside the delegates."""
        places: dict[str, Place] = {}
        modules = {_schema_name(outside.op): outside.module for outside in self.ops_outside}
        for node in self.edge.exported_program().graph_module.graph.nodes:
            if _is_operator(node):
                name = _schema_name(_name_of(node))
                places.setdefault(name, Place(modules.get(name), source_line(node)))
        return places

    def serialize(self, constant_methods: Mapping[str, object] | None = None) -> bytes:
        """Return the program's bytes: `forward`, and one method for each constant.

        The lowered graph is not changed, so every call returns the same bytes.

        Args:
            constant_methods: by method name, a str, int, float, list of int or float, or tensor.

        Raises:
            LoweringError: the runtime has no kernel for an operator outside the delegate.
        """
        return serialize({"forward": self}, constant_methods)


def serialize(
    programs: Mapping[str, Lowered], constant_methods: Mapping[str, object] | None = None
) -> bytes:
    """Return the bytes of one program with several methods; equal data of delegates is stored once.

    The lowered graphs are not changed.

    Args:
        programs: the lowered graph of each method.
        constant_methods: see `LoweredProgram.serialize`.

    Raises:
        LoweringError: the runtime has no kernel for an operator outside the delegates.
    """
    manager = EdgeProgramManager(
        {name: _independent(p.edge.exported_program()) for name, p in programs.items()},
        constant_methods=dict(constant_methods or {}),
        compile_config=COMPILE_CONFIG,
    )
    with fast_serialization():
        program = manager.to_executorch()
    places = {op: place for p in programs.values() for op, place in p.places().items()}
    for plan in program.executorch_program.execution_plan:
        check_kernels(plan.operators, places)
    return program.buffer


def lower_to(
    partitioner: Partitioner, graph: GraphModule, example_inputs: tuple[torch.Tensor, ...]
) -> Lowered:
    """Lower `graph`, and let `partitioner` choose the operators that a delegate runs.

    Args:
        partitioner: the partitioner of the delegate.
        graph: a rewritten graph; its constants are made contiguous in place.
        example_inputs: float32 tensors of the program's fixed shapes.

    Raises:
        LoweringError: ExecuTorch refuses the graph, or does not know an operator.
    """
    check_namespaces(graph)
    store_plainly(graph)
    inputs = tuple(map(plain, example_inputs))
    try:
        with _partition_reasons() as reasons, fast_passes():
            edge = to_edge_transform_and_lower(
                torch.export.export(graph, inputs),
                partitioner=[partitioner],
                compile_config=COMPILE_CONFIG,
            )
    except Exception as error:
        raise LoweringError(
            f"[targets] expected a graph that ExecuTorch lowers, got"
            f" {first_line(error, limit=None)}; run with -v for the full traceback"
        ) from error
    return _summarize(edge, reasons)


def _independent(program: ExportedProgram) -> ExportedProgram:
    """Copy a program's graph, which `to_executorch` changes; weights and delegates are shared."""
    module = program.graph_module
    shared = [
        *program.state_dict.values(),
        *program.constants.values(),
        *module.parameters(),
        *module.buffers(),
        *(child for child in module.modules() if isinstance(child, LoweredBackendModule)),
    ]
    return program._update(
        deepcopy(module, {id(value): value for value in shared}),
        deepcopy(program.graph_signature),
        state_dict=dict(program.state_dict),
        constants=dict(program.constants),
    )


def _summarize(edge: EdgeProgramManager, reasons: dict[str, str]) -> Lowered:
    graph = edge.exported_program().graph_module
    delegates = [node for node in graph.graph.nodes if _is_delegate_call(node)]
    inside = sum(_operators_inside(graph, node) for node in delegates)
    outside = [
        OutsideOp(_name_of(node), module_path(node), reasons.get(node.name, NO_EQUIVALENT))
        for node in graph.graph.nodes
        if _is_operator(node) and not _is_delegate_call(node)
    ]
    return Lowered(edge, len(delegates), outside, inside + len(outside))


def _is_operator(node: Node) -> bool:
    return node.op == "call_function" and node.target is not operator.getitem


def _is_delegate_call(node: Node) -> bool:
    return node.op == "call_function" and node.target is executorch_call_delegate


def _operators_inside(graph: GraphModule, delegate_call: Node) -> int:
    lowered_module = getattr(graph, delegate_call.args[0].target)
    return sum(map(_is_operator, lowered_module.original_module.graph.nodes))


def _name_of(node: Node) -> str:
    """Return the operator's name without its dialect, such as `aten.topk.default`."""
    target = node.target
    # ATen's operators have an `_op` too, but theirs is a function whose name is an address.
    return str(target if isinstance(target, OpOverload) else getattr(target, "_op", target))


def _schema_name(operator: str) -> str:
    """Return `aten::topk` for `aten.topk.default`."""
    return "::".join(operator.split(".")[:2])


@contextmanager
def _partition_reasons() -> Iterator[dict[str, str]]:
    """Collect the partitioner's reasons for leaving operators out, by node name."""
    reasons: dict[str, str] = {}

    class Collector(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if isinstance(record.msg, WhyNoPartition) and record.msg.node is not None:
                reasons.setdefault(record.msg.node.name, record.msg.reason)

    logger, collector = logging.getLogger(PARTITION_LOGGER), Collector(logging.DEBUG)
    level, propagate = logger.level, logger.propagate
    logger.addHandler(collector)
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    try:
        yield reasons
    finally:
        logger.removeHandler(collector)
        logger.setLevel(level)
        logger.propagate = propagate

"""Lower a graph to an ExecuTorch program that is one call of our own backend."""

from __future__ import annotations

from typing import final

import torch
from executorch.exir import EdgeProgramManager, to_edge
from executorch.exir.backend.backend_api import to_backend
from executorch.exir.backend.backend_details import BackendDetails, PreprocessResult
from executorch.exir.backend.compile_spec_schema import CompileSpec
from torch import nn
from torch.fx import GraphModule

from hvit_edge.lowering.fast_decompositions import fast_decompositions
from hvit_edge.lowering.graph import shape_of
from hvit_edge.lowering.plain_layout import plain, store_plainly
from hvit_edge.metadata import OperatorRecord
from hvit_edge.targets.delegate import COMPILE_CONFIG, Lowered
from hvit_edge.targets.native.graph_plan import Plan, plan_graph
from hvit_edge.targets.native.values import Number


@final
class HvitEdgeBackend(BackendDetails):
    """The name that the runtime knows the backend by; what it runs is the `plan` of this lowering.

    ExecuTorch finds backends by class, and hands them a program of its own dialect. The plan comes
    from the graph before that, so it is left here.
    """

    plan: bytes = b""

    @staticmethod
    def preprocess(
        edge_program: torch.export.ExportedProgram, compile_specs: list[CompileSpec]
    ) -> PreprocessResult:
        return PreprocessResult(processed_bytes=HvitEdgeBackend.plan)


class _Interface(nn.Module):
    """What the program looks like from outside: the shapes of its input and its output."""

    def __init__(self, shape: list[int]) -> None:
        super().__init__()
        self.shape = shape

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.zeros(self.shape) + x.reshape(-1)[0]


class _Call(nn.Module):
    """One call of the backend."""

    def __init__(self, lowered: nn.Module) -> None:
        super().__init__()
        self.lowered = lowered

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.lowered(x)


def lower(
    graph: GraphModule,
    example_inputs: tuple[torch.Tensor, ...],
    number: Number = Number.FLOAT32,
) -> Lowered:
    """Lower `graph`, whole.

    Args:
        graph: rewritten by `NATIVE_PIPELINE`.
        example_inputs: one float32 tensor of the program's fixed shape.
        number: what the program computes in where it is not int8; input and output are float32.

    Raises:
        LoweringError: an operator is not one that the backend runs; it is named.
    """
    store_plainly(graph)
    plan = plan_graph(graph, number)
    inputs = tuple(map(plain, example_inputs))
    (output,) = graph.graph.output_node().args[0]
    with fast_decompositions():
        edge = _call(plan.data, _Interface(shape_of(output)), inputs)
    return Lowered(edge, 1, [], plan.nodes, _records(plan))


def _call(
    plan: bytes, interface: nn.Module, inputs: tuple[torch.Tensor, ...]
) -> EdgeProgramManager:
    """A program that is one call of the backend, with the interface's shapes."""
    exported = torch.export.export(interface, inputs)
    edge = to_edge(exported, compile_config=COMPILE_CONFIG)
    HvitEdgeBackend.plan = plan
    try:
        lowered = to_backend(HvitEdgeBackend.__name__, edge.exported_program(), [])
    finally:
        HvitEdgeBackend.plan = b""
    return to_edge(torch.export.export(_Call(lowered), inputs), compile_config=COMPILE_CONFIG)


def _records(plan: Plan) -> tuple[OperatorRecord, ...]:
    return tuple(
        OperatorRecord(*operation.name.partition(" ")[::2]) for operation in plan.operations
    )

"""Wrap a plan as a delegate call, so that ExecuTorch calls the native backend with it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

import torch
from executorch.exir import to_edge
from executorch.exir.backend.backend_api import to_backend
from executorch.exir.backend.backend_details import BackendDetails, PreprocessResult
from executorch.exir.backend.compile_spec_schema import CompileSpec
from torch import nn

from hvit_edge.targets.delegate import COMPILE_CONFIG


@final
class HvitEdgeBackend(BackendDetails):
    """Gives ExecuTorch the native backend's name and the `plan` of the current lowering.

    ExecuTorch looks backends up by class and hands them a program in its dialect. The plan is made
    from the graph before that, so it is stored in this class meanwhile.
    """

    plan: bytes = b""

    @staticmethod
    def preprocess(
        edge_program: torch.export.ExportedProgram, compile_specs: list[CompileSpec]
    ) -> PreprocessResult:
        return PreprocessResult(processed_bytes=HvitEdgeBackend.plan)


class _Interface(nn.Module):
    """Has the input and output shapes of a program; its outputs depend on every input."""

    def __init__(self, shapes: Sequence[Sequence[int]]) -> None:
        super().__init__()
        self.shapes = shapes

    def forward(self, *inputs: torch.Tensor) -> tuple[torch.Tensor, ...]:
        first = sum(x.reshape(-1)[0].to(torch.float32) for x in inputs)
        return tuple(torch.zeros(shape) + first for shape in self.shapes)


def delegate_of(
    plan: bytes, inputs: tuple[torch.Tensor, ...], shapes: Sequence[Sequence[int]]
) -> nn.Module:
    """Return the module that calls the backend with `plan`.

    Args:
        plan: the bytes that the backend runs.
        inputs: tensors of the shapes and dtypes that the plan reads.
        shapes: the shapes of the float32 tensors that the plan writes.
    """
    exported = torch.export.export(_Interface(shapes), inputs)
    edge = to_edge(exported, compile_config=COMPILE_CONFIG)
    HvitEdgeBackend.plan = plan
    try:
        return to_backend(HvitEdgeBackend.__name__, edge.exported_program(), [])
    finally:
        HvitEdgeBackend.plan = b""

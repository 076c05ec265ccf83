"""Compile to an ExecuTorch program for our own backend, which the C++ runtime of hvit-edge has.

The program has the metadata and the golden sample of any `.pte`. ExecuTorch's other runtimes do not
know the backend and refuse it; what it computes is therefore measured in our own.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from torch.fx import GraphModule

from hvit_edge.description import XNNPACK_PACKAGES
from hvit_edge.gate import Gate
from hvit_edge.lowering import NATIVE_PIPELINE, export_graph, rewrite
from hvit_edge.metadata import LayerRecord
from hvit_edge.parity.layers import record_layers
from hvit_edge.parity.native_runtime import native_step
from hvit_edge.parity.steps import pytorch_step, quantised_step
from hvit_edge.program_file import self_test, write_program
from hvit_edge.progress import Wrap, silent
from hvit_edge.quantize import Calibration, quantize, reference_graph
from hvit_edge.report import Artifact, CompileReport
from hvit_edge.subject import Subject
from hvit_edge.targets.native.lower import lower

TARGET = "native"
LAYER_INPUTS = 16  # images that the layers are measured on


@dataclass(frozen=True)
class NativeRequest:
    """What `compile` asks for, see there."""

    subject: Subject
    precision: str
    path: Path
    force: bool
    rtol: float | None
    calibration: Calibration | None
    tell: Callable[[str], None]
    progress: Wrap = silent


Prepared = tuple[GraphModule, tuple[LayerRecord, ...]]


def compile_native(request: NativeRequest) -> Artifact:
    """Compile for our own backend.

    Raises:
        LoweringError: an operator is not one that the backend runs; it is named.
        ParityError: a step is outside its tolerance of eager PyTorch.
    """
    start = time.perf_counter()
    subject, tell = request.subject, request.tell
    gate = Gate(subject, request.precision, request.rtol)
    graph, layers = _PREPARE[request.precision](_rewritten(request, gate), request, gate)
    tell("lower")
    lowered = lower(graph, (torch.from_numpy(subject.example),))
    gate("runtime", native_step(lowered, subject.example.shape[2:]))
    tell("write")
    metadata, size = write_program(
        lowered,
        TARGET,
        gate,
        XNNPACK_PACKAGES,
        request.path,
        layers=layers,
        force=request.force,
        check=partial(self_test, subject.origin.name),
    )
    return Artifact(
        request.path,
        CompileReport(
            model=subject.origin.name,
            target=TARGET,
            precision=request.precision,
            weights=metadata.weights_source,
            path=request.path,
            bytes=size,
            lowered=lowered,
            parity=metadata.parity,
            steps=tuple(gate.results),
            calibration=request.calibration,
            seconds=time.perf_counter() - start,
        ),
    )


def _rewritten(request: NativeRequest, gate: Gate) -> GraphModule:
    request.tell("export")
    graph = export_graph(request.subject.module, (torch.from_numpy(request.subject.example),))
    gate("exported", pytorch_step(graph))
    request.tell("rewrite")
    rewrite(graph, passes=NATIVE_PIPELINE)
    gate("rewritten", pytorch_step(graph))
    return graph


def _as_it_is(graph: GraphModule, request: NativeRequest, gate: Gate) -> Prepared:
    return graph, ()


def _in_int8(graph: GraphModule, request: NativeRequest, gate: Gate) -> Prepared:
    request.tell("quantise")
    reference = reference_graph(graph, request.precision)
    quantised = quantize(
        reference,
        (torch.from_numpy(request.subject.example),),
        precision=request.precision,
        calibration=request.calibration,
        progress=request.progress,
    )
    gate("quantised", quantised_step(quantised))
    inputs = request.calibration.inputs[:LAYER_INPUTS]
    return quantised, record_layers(reference, quantised, inputs)


_PREPARE: dict[str, Callable[[GraphModule, NativeRequest, Gate], Prepared]] = {
    "fp32": _as_it_is,
    "int8": _in_int8,
}
"""From the rewritten graph to the one that is lowered, and its layers' records, by precision."""

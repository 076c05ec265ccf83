"""Compile to an ExecuTorch program for our own backend in the C++ runtime of hvit-edge.

The program has the metadata and the golden sample of any `.pte`. Other runtimes of ExecuTorch do
not have the backend and refuse the program, so it is measured in our runtime.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import torch
from torch.fx import GraphModule

from hvit_edge.artifact.metadata import LayerRecord
from hvit_edge.compiler.description import XNNPACK_PACKAGES
from hvit_edge.compiler.gate import Gate
from hvit_edge.compiler.gated_graphs import (
    gate_fidelity,
    measure_layers,
    quantized_reference,
    rewritten_graph,
)
from hvit_edge.compiler.program_file import self_test, write_program
from hvit_edge.compiler.report import Artifact
from hvit_edge.compiler.subject import Subject
from hvit_edge.lowering import NATIVE_PIPELINE
from hvit_edge.parity.native_runtime import native_int8_values, native_step
from hvit_edge.precision import INT8
from hvit_edge.progress import Wrap, silent
from hvit_edge.quantize import Calibration, bundled_calibration, quantize, reference_graph
from hvit_edge.quantize.arithmetic import native_arithmetic
from hvit_edge.quantize.sensitive_layers import MOST_INPUTS, keep_sensitive_layers
from hvit_edge.targets.delegate import Lowered
from hvit_edge.targets.native.lower import lower
from hvit_edge.targets.native.values import Number

TARGET = "native"


@dataclass(frozen=True)
class NativeRequest:
    """Holds the options of `compile` for our own backend; see `compile` for their meaning.

    Attributes:
        whole: True if the backend must run all operators. Otherwise portable kernels run the
            operators that it refuses.
        check_delegation: raises an error if too many operators are outside the delegate.
    """

    subject: Subject
    precision: str
    cpu: str
    path: Path
    force: bool
    rtol: float | None
    calibration: Calibration | None
    tell: Callable[[str], None]
    progress: Wrap = silent
    whole: bool = True
    check_delegation: Callable[[Lowered, bool], None] | None = None


def number_of(precision: str, cpu: str) -> Number:
    """Return the type of all numbers that are not int8; next to int8, float16 is for Arm only."""
    in_half = precision == "fp16" or (precision in INT8 and cpu == "arm")
    return Number.FLOAT16 if in_half else Number.FLOAT32


Prepared = tuple[GraphModule, tuple[LayerRecord, ...], Calibration | None]


def compile_native(request: NativeRequest) -> Artifact:
    """Compile for our own backend.

    Raises:
        LoweringError: the backend does not have an operator, and it must run all of them. The
            message names the operator.
        DelegationError: fewer operators are delegated than required.
        ParityError: the difference of a step from its reference is above its tolerance.
    """
    start = time.perf_counter()
    subject, tell = request.subject, request.tell
    gate = Gate(subject, request.precision, request.rtol)
    graph = rewritten_graph(gate, NATIVE_PIPELINE, tell)
    graph, layers, calibration = _PREPARE[request.precision](graph, request, gate)
    number = number_of(request.precision, request.cpu)
    reference = None
    if request.precision != "fp32":
        reference = quantized_reference(
            gate, graph, native_arithmetic(in_half=number is Number.FLOAT16)
        )
    tell("lower")
    example = (torch.from_numpy(subject.example),)
    lowered = lower(graph, example, number, whole=request.whole)
    if request.check_delegation is not None:
        request.check_delegation(lowered, subject.registered)
    step = native_step(lowered, subject.example.shape[2:])
    if reference is not None:
        gate_fidelity(gate, reference, step, partial(native_int8_values, graph, number=number))
    gate("runtime", step)
    tell("write")
    return write_program(
        lowered,
        TARGET,
        gate,
        XNNPACK_PACKAGES,
        request.path,
        layers=layers,
        cpu=request.cpu,
        force=request.force,
        check=partial(self_test, subject.origin.name),
        calibration=calibration,
        start=start,
    )


def _unchanged(graph: GraphModule, request: NativeRequest, gate: Gate) -> Prepared:
    return graph, (), request.calibration


def _in_int8(graph: GraphModule, request: NativeRequest, gate: Gate) -> Prepared:
    request.tell("quantise")
    reference = reference_graph(graph, request.precision)
    quantized = quantize(
        reference,
        (torch.from_numpy(request.subject.example),),
        precision=request.precision,
        calibration=request.calibration,
        progress=request.progress,
    )
    calibration = request.calibration
    if not request.subject.registered:
        calibration = _keep_float(reference, quantized, request)
    layers = measure_layers(gate, reference, quantized, request.calibration)
    return quantized, layers, calibration


def _keep_float(
    reference: GraphModule, quantized: GraphModule, request: NativeRequest
) -> Calibration | None:
    """Change sensitive layers back to float; the notices of the returned calibration name them.

    They are measured on the calibration images, or on windows of the bundled photos.
    """
    given, preprocess = request.calibration, request.subject.origin.preprocess
    images = given or bundled_calibration(preprocess, count=MOST_INPUTS)
    found = keep_sensitive_layers(reference, quantized, images.inputs)
    if found is None:
        return given
    warnings.warn(found.notice, stacklevel=2)
    return replace(images, notices=(*images.notices, found.notice))


_PREPARE: dict[str, Callable[[GraphModule, NativeRequest, Gate], Prepared]] = {
    "fp32": _unchanged,
    "fp16": _unchanged,
    **dict.fromkeys(INT8, _in_int8),
}
"""By precision, maps the rewritten graph to the graph to lower and the records of its layers."""

"""Compile a module of arrays for XNNPACK or our own backend, and gate every output."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from torch.fx import GraphModule

from hvit_edge.artifact.container import constant_methods, seal
from hvit_edge.artifact.metadata import LayerRecord
from hvit_edge.boundary.quiet import quiet_stderr
from hvit_edge.compiler.description import XNNPACK_PACKAGES, describe_artifact
from hvit_edge.compiler.fallback import with_fallback
from hvit_edge.compiler.native_program import number_of
from hvit_edge.compiler.program_file import self_test, write_program
from hvit_edge.compiler.report import Artifact
from hvit_edge.compiler.tensor_gate import TensorGate, TensorReference, TensorStep
from hvit_edge.compiler.tensor_subject import TensorSubject, arrays_of, tensors_of
from hvit_edge.errors import LoweringError
from hvit_edge.lowering import NATIVE_PIPELINE, export_graph, pipeline_for, rewrite
from hvit_edge.lowering.pipeline import Rewrite
from hvit_edge.parity.layers import record_layers
from hvit_edge.precision import INT8
from hvit_edge.progress import Wrap, silent
from hvit_edge.quantize import Calibration, quantize, reference_graph
from hvit_edge.quantize.arithmetic import Arithmetic, native_arithmetic, xnnpack_arithmetic
from hvit_edge.runtime import Session
from hvit_edge.targets.delegate import Lowered
from hvit_edge.targets.kernels import executorch_runtime
from hvit_edge.targets.native.lower import lower as lower_native
from hvit_edge.targets.native.values import Number
from hvit_edge.targets.xnnpack.lower import lower as lower_xnnpack
from hvit_edge.tensors.samples import Arrays
from hvit_edge.tensors.tensor_module import without_wrapper
from hvit_edge.user_modules.user_code import first_line

LAYER_SAMPLES = 16
"""Number of samples on which layers are measured."""


@dataclass(frozen=True)
class TensorRequest:
    """Holds the options of `compile` for a tensor artifact; see `compile` for their meaning.

    Attributes:
        check_delegation: raises an error if too many operators are outside the delegate.
        start: `time.perf_counter` at the begin of the compilation.
        whole: True if the native backend must run all operators. Otherwise the operators that it
            refuses stay outside.
    """

    subject: TensorSubject
    target: str
    precision: str
    cpu: str
    path: Path
    force: bool
    rtol: float | None
    calibration: Calibration | None
    check_delegation: Callable[[Lowered], None]
    tell: Callable[[str], None]
    start: float
    whole: bool = True
    progress: Wrap = silent


def compile_tensors(request: TensorRequest) -> Artifact:
    """Compile for XNNPACK or our own backend.

    Raises:
        LoweringError: the module cannot be exported or lowered.
        DelegationError: fewer operators are delegated than required.
        ParityError: the difference of an output from its reference is above its tolerance.
    """
    gate = TensorGate(request.subject, request.precision, request.rtol)
    if request.target == "native":
        lowered, layers = _native_program(request, gate)
    else:
        passes = pipeline_for(request.cpu, request.precision)
        lowered, layers = with_fallback(gate, partial(_xnnpack_program, request, gate), passes)
    request.tell("write")
    return write_program(
        lowered,
        request.target,
        gate,
        XNNPACK_PACKAGES,
        request.path,
        layers=layers,
        cpu=request.cpu,
        force=request.force,
        check=partial(self_test, request.subject.origin.name),
        calibration=request.calibration,
        start=request.start,
    )


Made = tuple[Lowered, tuple[LayerRecord, ...]]


def _native_program(request: TensorRequest, gate: TensorGate) -> Made:
    """Lower the module for our own backend, and gate each step."""
    graph = rewritten_tensors(gate, NATIVE_PIPELINE, request.tell)
    graph, layers = _lower_precision(graph, request, gate)
    request.tell("lower")
    number = number_of(request.precision, request.cpu)
    lowered = lower_native(graph, request.subject.example, number, whole=request.whole)
    request.check_delegation(lowered)
    _gate_program("runtime", _session_step(lowered, request, gate), gate)
    return lowered, layers


def _xnnpack_program(
    request: TensorRequest, gate: TensorGate, passes: Sequence[Rewrite], plainly: bool
) -> Made:
    """Lower the module for XNNPACK after `passes`, and gate each step."""
    graph = rewritten_tensors(gate, passes, request.tell)
    graph, layers = _lower_precision(graph, request, gate)
    request.tell("lower")
    lowered = lower_xnnpack(graph, request.subject.example, plainly=plainly)
    request.check_delegation(lowered)
    _gate_program("lowered", _named_failures(program_step(lowered.serialize()), lowered), gate)
    return lowered, layers


def _gate_program(name: str, step: TensorStep, gate: TensorGate) -> None:
    if gate.reference is not None:
        gate.fidelity(step)
    gate(name, step)


def rewritten_tensors(
    gate: TensorGate, passes: Sequence[Rewrite], tell: Callable[[str], None]
) -> GraphModule:
    """Return the module of the gate as a graph, rewritten by `passes`; both forms are gated.

    The gate records the rewrites that were left out, see `gated_graphs.rewritten_graph`.
    """
    tell("export")
    subject = gate.subject
    graph = without_wrapper(export_graph(subject.function, subject.example))
    gate.graph("exported", graph)
    tell("rewrite")
    reports = rewrite(graph, passes=passes, check=gate.fault)
    gate.rewrites_left_out = tuple(report for report in reports if report.left_out)
    gate.graph("rewritten", graph)
    return graph


def program_step(program: bytes) -> TensorStep:
    """Return a step that runs a program with ExecuTorch's own Python runtime."""
    with quiet_stderr():  # its thread pool describes the CPU; failures are raised
        loaded = executorch_runtime().load_program(program)
        method = loaded.load_method("forward")

    def run(arrays: Arrays, keep_alive: object = loaded) -> Arrays:
        return arrays_of(tuple(method.execute(list(tensors_of(arrays)))))

    return run


def _named_failures(step: TensorStep, lowered: Lowered) -> TensorStep:
    """Turn the failure of a kernel into an error that names the operators outside the delegate."""

    def run(arrays: Arrays) -> Arrays:
        try:
            return step(arrays)
        except RuntimeError as error:
            listed = "".join(f"\n  {o.op} in {o.module or 'the root'}" for o in lowered.ops_outside)
            raise LoweringError(
                "[compile] expected operators outside the delegate whose kernels support these"
                f" shapes and dtypes, got {first_line(error)}; change them in the module, or"
                f" compile for another target. Operators outside:{listed or ' none'}"
            ) from error

    return run


def _lower_precision(
    graph: GraphModule, request: TensorRequest, gate: TensorGate
) -> tuple[GraphModule, tuple[LayerRecord, ...]]:
    """Return the gated graph in the requested precision, and the records of its layers."""
    precision, subject = request.precision, request.subject
    native = request.target == "native"
    if precision == "fp32":
        return graph, ()
    layers: tuple[LayerRecord, ...] = ()
    if precision in INT8 or not native:
        request.tell("quantise")
        reference = reference_graph(graph, precision)
        graph = quantize(
            reference,
            subject.example,
            precision=precision,
            calibration=request.calibration,
            cpu="any" if native else request.cpu,
            progress=request.progress,
        )
        samples = request.calibration.inputs if request.calibration else subject.samples
        layers = record_layers(reference, graph, samples[:LAYER_SAMPLES])
    gate.quantized(TensorReference(graph, _arithmetic(graph, request), subject, precision))
    return graph, layers


def _arithmetic(graph: GraphModule, request: TensorRequest) -> Arithmetic:
    if request.target == "native":
        return native_arithmetic(
            in_half=number_of(request.precision, request.cpu) is Number.FLOAT16
        )
    return xnnpack_arithmetic(graph)


def _session_step(lowered: Lowered, request: TensorRequest, gate: TensorGate) -> TensorStep:
    """Return a step that runs a program, which is not written yet, in the C++ runtime."""
    metadata = describe_artifact(request.subject, request.target, gate, XNNPACK_PACKAGES)
    program = lowered.serialize(constant_methods(gate.complete(metadata), gate.golden))
    with tempfile.TemporaryDirectory(prefix="hvit-edge-") as folder:
        path = Path(folder, "program.pte")
        path.write_bytes(seal(program))
        with quiet_stderr():
            session = Session(path)  # it maps the file, so the file may be deleted
    return lambda arrays: tuple(session(*arrays))

"""Compile a model to an artifact, and compare every step with eager PyTorch."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.fx import GraphModule

from hvit_edge.artifact.container import check_output
from hvit_edge.artifact.metadata import LayerRecord
from hvit_edge.artifact.package_file import SUFFIX, check_package_output
from hvit_edge.boundary.public import public
from hvit_edge.boundary.torch_state import settled
from hvit_edge.compiler.coreml_package import PackageRequest, compile_package
from hvit_edge.compiler.coreml_program import compile_program
from hvit_edge.compiler.description import XNNPACK_PACKAGES
from hvit_edge.compiler.fallback import with_fallback
from hvit_edge.compiler.gate import Gate
from hvit_edge.compiler.gated_graphs import (
    gate_fidelity,
    measure_layers,
    quantized_reference,
    rewritten_graph,
)
from hvit_edge.compiler.mixed import (
    Labelled,
    MixedOptions,
    MixedReport,
    check_mixed,
    keep_plan,
    mix,
)
from hvit_edge.compiler.native_program import NativeRequest, compile_native
from hvit_edge.compiler.program_file import self_test, write_program
from hvit_edge.compiler.report import Artifact
from hvit_edge.compiler.subject import Subject, module_of, origin_of, prepare_subject
from hvit_edge.compiler.tensors import TensorOptions, check_no_photos, compile_arrays
from hvit_edge.errors import DelegationError, InputError
from hvit_edge.lowering import Rewrite, pipeline_for
from hvit_edge.models import find_sequence_model
from hvit_edge.parity.fidelity import QuantizedReference
from hvit_edge.parity.steps import executorch_step
from hvit_edge.precision import COMPUTE_UNITS, CPUS, INT8, IOS, PRECISIONS
from hvit_edge.preprocess import Preprocess
from hvit_edge.progress import Wrap, silent
from hvit_edge.quantize import (
    Calibration,
    bundled_calibration,
    calibration_inputs,
    quantize,
    reference_graph,
)
from hvit_edge.quantize.arithmetic import xnnpack_arithmetic
from hvit_edge.quantize.calibration import FEWEST
from hvit_edge.sources.address import check_address
from hvit_edge.targets.delegate import Lowered
from hvit_edge.targets.xnnpack.lower import lower, program_values
from hvit_edge.weights import weights_digest

SUFFIXES = {"xnnpack": ".pte", "native": ".pte", "coreml": SUFFIX, "coreml-pte": ".pte"}
APPLE = ("coreml", "coreml-pte")
WHOLE = {"coreml": "which has no delegate"}
NEEDS_CALIBRATION = ("int8", "auto")
TAKES_CALIBRATION = (*INT8, "auto")


@public("compile")
@settled
def compile(
    model: str | nn.Module,
    *,
    target: str = "xnnpack",
    precision: str | None = None,
    weights: object = None,
    num_classes: int | None = None,
    input_size: int | tuple[int, int] | None = None,
    preprocess: Preprocess | Mapping[str, Any] | str | Path | None = None,
    labels: Sequence[str] | Mapping | str | Path | None = None,
    output: str | Path | None = None,
    force: bool = False,
    ios: int | None = None,
    compute_units: str | None = None,
    cpu: str | None = None,
    min_delegated: float | None = None,
    calib_data: str | Path | None = None,
    calib_samples: int = 512,
    eval_data: str | Path | None = None,
    max_drop: float | None = None,
    plan: str | Path | None = None,
    cost_profile: str | Path | None = None,
    force_inexact: bool = False,
    progress: Wrap = silent,
    rtol: float | None = None,
    on_step: Callable[[str], None] | None = None,
    weights_key: str | None = None,
    args: Mapping[str, Any] | None = None,
    inputs: object = None,
) -> Artifact:
    """Compile a model to one self-describing file.

    Args:
        model: a registered name; the address of another module, see `sources`
            ("FILE.py:FACTORY", "timm:NAME[.TAG]", "hf:OWNER/REPO"); or any module that maps
            float32 [1, 3, H, W] to logits [1, classes].
        target: "xnnpack"; "native" for a program that only our own runtime runs, see
            `native_program`; "coreml" for an `.mlpackage`, see `coreml_package`; or "coreml-pte"
            for an ExecuTorch program for Apple systems, see `coreml_program`.
        precision: for xnnpack "fp32" (the default), "fp16", "int8" or "int8-dynamic", see
            `quantize`; or "auto", the fastest mixture of them that keeps the accuracy, see
            `mixed`. For native "fp32" (the default), "fp16", "int8" or "int8-dynamic". For
            coreml "fp16" (the default), "fp32", float16 with weights of 8 bits ("w8") or palettes
            of 6 or 4 bits ("w6", "w4"), or "int8" weights and activations.
        weights, num_classes, input_size, weights_key: see `create_model`. They are only for a name
            or an address; `weights` is then a checkpoint of that model.
        args: arguments of the factory or of `timm.create_model`, or fields of the transformers
            config; only for an address.
        preprocess: preprocessing of photos: a Preprocess, a JSON file, "timm", "imagenet", or a
            mapping of single fields. It is required for a module, and otherwise replaces the one of
            the checkpoint.
        labels: class names in class order, in any form that `labels.given_labels` accepts; None
            keeps those of the checkpoint.
        output: file to write; None is `{model}-{target}-{precision}.pte` or `.mlpackage` in the
            current folder.
        force: replace an existing file.
        ios: for coreml, the oldest iOS that the package supports, 17 (the default) or 18.
        compute_units: for coreml, a hint for apps that the package records: "all" (the default),
            "cpu", "cpu-gpu" or "cpu-ne".
        cpu: "any" (the default) or "arm", for xnnpack, and for native in "int8" and "int8-dynamic".
            "arm" optimizes the program for the kernels of 64-bit Arm, where it needs fewer
            instructions. It also runs on x86-64, but may be slower there. See docs/arm.md.
        min_delegated: for xnnpack, native and coreml-pte, the share of operators, 0 to 1, that must
            run in the delegate; None is 1.0 for a registered name and 0.0 for any other module.
        calib_data: calibration images, a folder or NPZ, see `calibration_inputs`. "int8" and "auto"
            require them. "int8-dynamic" accepts them; without, xnnpack uses windows of the bundled
            photos. No other precision accepts any.
        calib_samples: largest number of calibration images to use, at least 32.
        eval_data, max_drop, plan, cost_profile, force_inexact: for "auto", see
            `mixed.MixedOptions`. The plan that a search finds is written next to the artifact as
            `NAME.plan.json`. An interrupted search continues when the same call is made again.
        progress: wraps the loops over the calibration images.
        rtol: largest difference from eager PyTorch, relative to its largest absolute output, with
            the same top class. It replaces the gate of the precision, see `measures.tolerance`.
        on_step: called with the name of each step that begins.
        inputs: for a module of any inputs and outputs, which becomes an artifact of the task
            "tensor": sample arrays (a tuple, a dict by argument name, or the path of an NPZ file),
            or a list of `InputSpec`s, from which samples are drawn. Without it the module maps
            photos to logits. `calib_data` is then an NPZ file whose arrays have a leading sample
            axis, or a folder of such files. See docs/tensors.md.

    Returns:
        The path and the report. Nothing is written unless every gate passes. Notices about the
        calibration images, and about assumptions on the weights, are in the report and are issued
        as warnings.

    Raises:
        InputError: an argument is wrong, the output exists, or weights or calibration images cannot
            be used.
        LoweringError: the module cannot be exported or lowered.
        DelegationError: fewer operators are delegated than required; the message names the others.
        ParityError: the difference of a step from eager PyTorch is above its tolerance.
    """
    start = time.perf_counter()
    tell = on_step or (lambda step: None)
    precision = _check_target(target, precision, ios, compute_units, cpu, min_delegated)
    _check_options(min_delegated, rtol)
    _check_calibration(precision, calib_data, calib_samples)
    path = _output_path(model, target, precision, output)
    (check_package_output if target == "coreml" else check_output)(path, force=force)
    mixed = MixedOptions(eval_data, max_drop, plan, cost_profile, force_inexact)
    check_mixed(mixed, precision, path, force=force)

    tell("build")
    sequence = find_sequence_model(model)
    if inputs is not None or sequence is not None:
        check_no_photos(preprocess, labels)
        given = (model, args, weights, num_classes, input_size, weights_key)
        module, registered = module_of(*given, photos=False)
        if inputs is None:
            inputs = sequence.inputs(sequence.check_frames(input_size))
        options = TensorOptions(
            target=target,
            precision=precision,
            cpu=cpu or CPUS[0],
            ios=ios or IOS[0],
            compute_units=compute_units or COMPUTE_UNITS[0],
            path=path,
            force=force,
            rtol=rtol,
            calib_data=calib_data,
            calib_samples=calib_samples,
            check_delegation=_check_delegation,
            min_delegated=min_delegated,
            whole=_least_share(registered, min_delegated) == 1,
            tell=tell,
            progress=progress,
        )
        return compile_arrays(module, inputs, options, registered=registered)
    subject = prepare_subject(
        model, weights, num_classes, input_size, preprocess, labels, weights_key, args
    )
    calibration = _calibrate(subject, calib_data, calib_samples, progress, tell)
    if target == "native":
        return compile_native(
            NativeRequest(
                subject,
                precision,
                cpu or CPUS[0],
                path,
                force,
                rtol,
                calibration,
                tell,
                progress,
                whole=_least_share(subject.registered, min_delegated) == 1,
                check_delegation=partial(_check_delegation, wanted=min_delegated),
            )
        )
    if target in APPLE:
        request = PackageRequest(
            subject=subject,
            precision=precision,
            ios=ios or IOS[0],
            compute_units=compute_units or COMPUTE_UNITS[0],
            path=path,
            force=force,
            rtol=rtol,
            calibration=calibration,
            tell=tell,
            progress=progress,
        )
        if target == "coreml":
            return compile_package(request)
        return compile_program(request, partial(_check_delegation, wanted=min_delegated))
    gate = Gate(subject, precision, rtol)
    work = _Quantizing(subject, precision, cpu or CPUS[0], calibration, mixed, path, progress, tell)
    passes = pipeline_for(work.cpu, precision)
    if precision == "auto":  # no fallback, because it would repeat the search
        made = _lowered(work, gate, min_delegated, passes, False)
    else:
        made = with_fallback(gate, partial(_lowered, work, gate, min_delegated), passes)

    tell("write")
    artifact = write_program(
        made.lowered,
        target,
        gate,
        XNNPACK_PACKAGES,
        path,
        layers=made.layers,
        cpu=work.cpu,
        force=force,
        check=partial(self_test, subject.origin.name),
        calibration=calibration,
        mixture=made.mixture,
        start=start,
    )
    if made.mixture is not None:
        keep_plan(made.mixture, subject.origin.name, path, force=force)
    return artifact


def _check_target(
    target: str,
    precision: str | None,
    ios: int | None,
    compute_units: str | None,
    cpu: str | None,
    min_delegated: float | None,
) -> str:
    """Return the requested precision, or the default of the target.

    Raises:
        InputError: the target does not support an option.
    """
    if target not in PRECISIONS:
        raise InputError(
            f"[compile] target: expected one of {', '.join(PRECISIONS)}, got {target!r}"
        )
    known = PRECISIONS[target]
    precision = known[0] if precision is None else precision
    faults = []
    if precision not in known:
        faults.append(
            f"precision: expected one of {', '.join(known)} for {target}, got {precision!r}"
        )
    if target not in APPLE and (ios is not None or compute_units is not None):
        faults.append(f"ios, compute_units: expected none for {target}; they belong to Core ML")
    if ios is not None and ios not in IOS:
        faults.append(f"ios: expected one of {', '.join(map(str, IOS))}, got {ios}")
    if compute_units is not None and compute_units not in COMPUTE_UNITS:
        expected = ", ".join(COMPUTE_UNITS)
        faults.append(f"compute_units: expected one of {expected}, got {compute_units!r}")
    shaped = target == "xnnpack" or (target == "native" and precision in INT8)
    if cpu is not None and not shaped:
        faults.append(
            f"cpu: expected none for {target} in {precision}; it belongs to xnnpack, and to native"
            f" {' and '.join(INT8)}"
        )
    if cpu is not None and cpu not in CPUS:
        faults.append(f"cpu: expected one of {', '.join(CPUS)}, got {cpu!r}")
    if target in WHOLE and min_delegated is not None:
        faults.append(f"min_delegated: expected none for {target}, {WHOLE[target]}")
    if faults:
        raise InputError("[compile] " + "; ".join(faults))
    return precision


def _check_options(min_delegated: float | None, rtol: float | None) -> None:
    faults = []
    if min_delegated is not None and not 0 <= min_delegated <= 1:
        faults.append(f"min_delegated: expected a share from 0 to 1, got {min_delegated}")
    if rtol is not None and not 0 < rtol < 1:
        faults.append(f"rtol: expected a number between 0 and 1, got {rtol}")
    if faults:
        raise InputError("[compile] " + "; ".join(faults))


def _check_calibration(precision: str, data: str | Path | None, samples: int) -> None:
    if precision in NEEDS_CALIBRATION and data is None:
        raise InputError(
            f"[compile] calibration data: expected photos with {precision}, got none; pass"
            " --calib-data DIR or NPZ (calib_data=...) with 128 to 512 photos like those that the"
            " model will classify"
        )
    if precision not in TAKES_CALIBRATION and data is not None:
        raise InputError(
            f"[compile] calibration data: expected none with {precision}, which does not"
            f" depend on images, got {data}; remove --calib-data (calib_data=...)"
        )
    if samples < FEWEST:
        raise InputError(
            f"[compile] --calib-samples (calib_samples=...): expected at least {FEWEST}, got"
            f" {samples}"
        )


def _output_path(
    model: str | nn.Module, target: str, precision: str, output: str | Path | None
) -> Path:
    if output is not None:
        return Path(output)
    if isinstance(model, str):
        name = check_address(model, "compile").model_name
    else:
        name = origin_of(model, None).name
    return Path(f"{name}-{target}-{precision}{SUFFIXES[target]}")


def _calibrate(
    subject: Subject,
    data: str | Path | None,
    samples: int,
    progress: Wrap,
    tell: Callable[[str], None],
) -> Calibration | None:
    if data is None:
        return None
    tell("calibrate")
    return calibration_inputs(data, subject.origin.preprocess, samples=samples, progress=progress)


@dataclass(frozen=True)
class _Quantizing:
    """Converts a float graph to the requested precision."""

    subject: Subject
    precision: str
    cpu: str
    calibration: Calibration | None
    mixed: MixedOptions
    output: Path
    progress: Wrap
    tell: Callable[[str], None]

    def quantize(
        self, reference: GraphModule, calibration: Calibration | None
    ) -> tuple[GraphModule, MixedReport | None]:
        """Return `reference` in the requested precision, and the report of "auto" (or None)."""
        if self.precision != "auto":
            example = (torch.from_numpy(self.subject.example),)
            given = {"precision": self.precision, "calibration": calibration, "cpu": self.cpu}
            return quantize(reference, example, **given, progress=self.progress), None
        origin, classes = self.subject.origin, self.subject.expected.shape[1]
        data = self.mixed.eval_data
        return mix(
            reference,
            self.mixed,
            model=origin.name,
            weights_digest=weights_digest(self.subject.module),
            calibration=calibration,
            labelled=Labelled(data, origin.preprocess, classes, origin.labels) if data else None,
            output=self.output,
            progress=self.progress,
            tell=self.tell,
        )


@dataclass(frozen=True)
class _Made:
    """Holds a lowered program, the records of its layers, and the report of "auto" (or None)."""

    lowered: Lowered
    layers: tuple[LayerRecord, ...]
    mixture: MixedReport | None


def _lowered(
    work: _Quantizing,
    gate: Gate,
    min_delegated: float | None,
    passes: Sequence[Rewrite],
    plainly: bool,
) -> _Made:
    """Lower the module after `passes`, and gate each step."""
    graph, layers, mixture, reference = _prepare_graph(work, gate, passes)
    work.tell("lower")
    example = (torch.from_numpy(work.subject.example),)
    lowered = lower(graph, example, plainly=plainly)
    _check_delegation(lowered, work.subject.registered, min_delegated)
    step = executorch_step(lowered.serialize())
    if reference is not None:
        gate_fidelity(gate, reference, step, partial(program_values, graph, lowered))
    gate("lowered", step)
    return _Made(lowered, layers, mixture)


def _prepare_graph(
    work: _Quantizing, gate: Gate, passes: Sequence[Rewrite]
) -> tuple[GraphModule, tuple[LayerRecord, ...], MixedReport | None, QuantizedReference | None]:
    """Return a graph of the module that can be lowered.

    Returns:
        The graph, the records of its layers, the report of "auto" (or None), and the answers of a
        quantized graph to photos (or None).
    """
    calibration = work.calibration
    graph = rewritten_graph(gate, passes, work.tell)
    if work.precision == "fp32":
        return graph, (), None, None
    work.tell("quantise")
    if calibration is None and work.precision in TAKES_CALIBRATION:
        calibration = bundled_calibration(work.subject.origin.preprocess)
    reference = reference_graph(graph, work.precision)
    quantized, mixture = work.quantize(reference, calibration)
    answers = quantized_reference(gate, quantized, xnnpack_arithmetic(quantized))
    layers = measure_layers(gate, reference, quantized, calibration)
    return quantized, layers, mixture, answers


def _least_share(registered: bool, wanted: float | None) -> float:
    """Return the required share of delegated operators; the default of registered models is 1."""
    return (1.0 if registered else 0.0) if wanted is None else wanted


def _check_delegation(lowered: Lowered, registered: bool, wanted: float | None) -> None:
    wanted = _least_share(registered, wanted)
    if lowered.delegated_share >= wanted:
        return
    listed = "".join(
        f"\n  {op.op} in {op.module or 'the root module'}: {op.reason}"
        for op in lowered.ops_outside
    )
    raise DelegationError(
        f"[compile] expected at least {wanted:.1%} of the operators in the delegate, got"
        f" {lowered.delegated_share:.1%} of {lowered.ops_total}; replace these operators or lower"
        f" --min-delegated (min_delegated=):{listed}"
    )

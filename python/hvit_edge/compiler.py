"""Compile a model to an artifact: every step from PyTorch to the sealed file, gated by parity."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import version
from pathlib import Path

import torch
from torch import nn
from torch.fx import GraphModule

from hvit_edge.artifact import (
    Golden,
    check_output,
    constant_methods,
    creation_time,
    seal,
    write_atomically,
)
from hvit_edge.errors import DelegationError, InputError, ParityError
from hvit_edge.lowering import export_graph, rewrite
from hvit_edge.metadata import SCHEMA_VERSION, LayerRecord, Metadata
from hvit_edge.mixed import Labelled, MixedOptions, MixedReport, check_mixed, keep_plan, mix
from hvit_edge.parity.layers import record_layers
from hvit_edge.parity.steps import (
    Step,
    StepResult,
    executorch_step,
    measure,
    pytorch_step,
    quantised_step,
)
from hvit_edge.parity.tolerance import golden_tolerance, step_tolerance
from hvit_edge.preprocess import Preprocess
from hvit_edge.progress import Wrap, silent
from hvit_edge.quantize import PRECISIONS as QUANTISED
from hvit_edge.quantize import (
    Calibration,
    bundled_calibration,
    calibration_inputs,
    quantize,
    reference_graph,
)
from hvit_edge.quantize.calibration import FEWEST
from hvit_edge.report import Artifact, CompileReport
from hvit_edge.runtime import Session
from hvit_edge.subject import Subject, origin_of, prepare_subject
from hvit_edge.targets.xnnpack import Lowered, lower
from hvit_edge.weights import weights_digest

TARGETS = ("xnnpack",)
PRECISIONS = ("fp32", *QUANTISED, "auto")
NEEDS_CALIBRATION = ("int8", "auto")
TAKES_CALIBRATION = ("int8", "int8-dynamic", "auto")
LAYER_INPUTS = 16  # images that the layers are measured on
REMEDIES = {"quantised": "; choose another precision or other calibration images"}


def compile(
    model: str | nn.Module,
    *,
    target: str = "xnnpack",
    precision: str = "fp32",
    weights: object = None,
    num_classes: int | None = None,
    input_size: int | tuple[int, int] | None = None,
    preprocess: Preprocess | None = None,
    labels: Sequence[str] | None = None,
    output: str | Path | None = None,
    force: bool = False,
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
) -> Artifact:
    """Compile a model to one self-describing file.

    Args:
        model: a registered name, or any module that maps float32 [1, 3, H, W] to logits
            [1, classes].
        target: "xnnpack".
        precision: "fp32", "fp16", "int8" or "int8-dynamic", see `quantize`; or "auto", the
            fastest mixture of them that keeps the accuracy, see `mixed`.
        weights, num_classes, input_size: as `create_model`; for a registered name only.
        preprocess: from photo to input; needed for a module of your own, and in place of the
            checkpoint's for a registered name.
        labels: class names in class order; None keeps those of the checkpoint.
        output: file to write; None is `{model}-{target}-{precision}.pte` in the current folder.
        force: replace an existing file.
        min_delegated: share of the operators, 0 to 1, that must run in the delegate; None is 1.0
            for a registered name and 0.0 for a module of your own.
        calib_data: calibration images, a folder or NPZ as for `calibration_inputs`: "int8" needs
            them, "int8-dynamic" takes windows of the bundled photos in their absence, no other
            precision takes any.
        calib_samples: how many of them to take at most, 32 or more.
        eval_data, max_drop, plan, cost_profile, force_inexact: for "auto", see
            `mixed.MixedOptions`. A searched plan is written beside the artifact, as
            `NAME.plan.json`; an interrupted search goes on when the same call is made again.
        progress: wraps the loops over the calibration images.
        rtol: largest difference from eager PyTorch, relative to its largest absolute output, with
            the same top class; in place of the precision's own gate, see `parity.tolerance`.
        on_step: called with a word for each step that begins.

    Returns:
        The path and the report. Nothing is written unless every gate passes. What there is to say
        of the calibration images is in the report, and is sent to `warnings`.

    Raises:
        InputError: a wrong argument, an existing output, unusable weights or calibration images.
        LoweringError: the module cannot be exported or lowered.
        DelegationError: fewer operators are delegated than asked for; each is named.
        ParityError: a step is outside its tolerance of eager PyTorch.
    """
    start = time.perf_counter()
    tell = on_step or (lambda step: None)
    _check_options(target, precision, min_delegated, rtol)
    _check_calibration(precision, calib_data, calib_samples)
    path = _output_path(model, target, precision, output)
    check_output(path, force=force)
    mixed = MixedOptions(eval_data, max_drop, plan, cost_profile, force_inexact)
    check_mixed(mixed, precision, path, force=force)

    tell("build")
    subject = prepare_subject(model, weights, num_classes, input_size, preprocess, labels)
    calibration = _calibrate(subject, calib_data, calib_samples, progress, tell)
    gate = _Gate(subject, precision, rtol)
    work = _Quantising(subject, precision, calibration, mixed, path, progress, tell)
    graph, layers, mixture = _prepare_graph(work, gate)
    tell("lower")
    lowered = lower(graph, (torch.from_numpy(subject.example),))
    _check_delegation(lowered, min_delegated, subject.registered)
    gate("lowered", executorch_step(lowered.serialize()))

    tell("write")
    metadata = _metadata(subject, target, precision, gate, layers)
    golden = Golden(subject.golden_image, subject.expected)
    data = seal(lowered.serialize(constant_methods(metadata, golden)))
    write_atomically(path, data, force=force, check=partial(_self_test, subject.origin.name))
    if mixture is not None:
        keep_plan(mixture, subject.origin.name, path, force=force)
    return Artifact(
        path,
        CompileReport(
            model=subject.origin.name,
            target=target,
            precision=precision,
            weights=metadata.weights_source,
            path=path,
            bytes=len(data),
            lowered=lowered,
            parity=metadata.parity,
            steps=tuple(gate.results),
            calibration=calibration,
            mixture=mixture,
            seconds=time.perf_counter() - start,
        ),
    )


def _check_options(
    target: str, precision: str, min_delegated: float | None, rtol: float | None
) -> None:
    faults = []
    if target not in TARGETS:
        faults.append(f"target: expected one of {', '.join(TARGETS)}, got {target!r}")
    if precision not in PRECISIONS:
        faults.append(f"precision: expected one of {', '.join(PRECISIONS)}, got {precision!r}")
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
            " --calib-data DIR or NPZ (calib_data=...) with 128 to 512 photos of the kind that the"
            " model will see"
        )
    if precision not in TAKES_CALIBRATION and data is not None:
        raise InputError(
            f"[compile] calibration data: expected none with {precision}, which does not"
            f" depend on images, got {data}; leave out --calib-data (calib_data=...)"
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
    name = model if isinstance(model, str) else origin_of(model, None).name
    return Path(f"{name}-{target}-{precision}.pte")


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


@dataclass
class _Gate:
    """Measures each step on the golden photo, and stops at the first outside its tolerance."""

    subject: Subject
    precision: str
    rtol: float | None
    results: list[StepResult] = field(default_factory=list)

    def __call__(self, name: str, step: Step) -> None:
        tolerance = step_tolerance(name, self.precision, self.rtol)
        result = measure(name, step, [self.subject.example], [self.subject.expected], tolerance)
        self.results.append(result)
        if not result.passed:
            raise ParityError(_parity_message(self.subject.origin.name, result))


@dataclass(frozen=True)
class _Quantising:
    """What the way from a float graph to one of lower precision depends on."""

    subject: Subject
    precision: str
    calibration: Calibration | None
    mixed: MixedOptions
    output: Path
    progress: Wrap
    tell: Callable[[str], None]

    def quantise(
        self, reference: GraphModule, calibration: Calibration | None
    ) -> tuple[GraphModule, MixedReport | None]:
        """`reference` in the precision asked for, and what "auto" chose."""
        if self.precision != "auto":
            example = (torch.from_numpy(self.subject.example),)
            given = {"precision": self.precision, "calibration": calibration}
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


def _prepare_graph(
    work: _Quantising, gate: _Gate
) -> tuple[GraphModule, tuple[LayerRecord, ...], MixedReport | None]:
    """From the module to a graph that can be lowered, its layers' records, and the mixture."""
    subject, calibration = work.subject, work.calibration
    work.tell("export")
    graph = export_graph(subject.module, (torch.from_numpy(subject.example),))
    gate("exported", pytorch_step(graph))
    work.tell("rewrite")
    rewrite(graph)
    gate("rewritten", pytorch_step(graph))
    if work.precision == "fp32":
        return graph, (), None
    work.tell("quantise")
    if calibration is None and work.precision in TAKES_CALIBRATION:
        calibration = bundled_calibration(subject.origin.preprocess)
    reference = reference_graph(graph, work.precision)
    quantised, mixture = work.quantise(reference, calibration)
    gate("quantised", quantised_step(quantised))
    inputs = (calibration or bundled_calibration(subject.origin.preprocess)).inputs[:LAYER_INPUTS]
    return quantised, record_layers(reference, quantised, inputs), mixture


def _parity_message(model: str, result: StepResult) -> str:
    difference = result.difference
    agreement = "agrees" if difference.top1_agree else "differs"
    remedy = REMEDIES.get(result.name, "")
    return (
        f"[compile] {model}: expected the {result.name} program to have {result.tolerance} against"
        f" eager PyTorch, got max_rel {difference.max_rel:.3g} (max_abs {difference.max_abs:.3g},"
        f" cosine {difference.cosine:.6f}, top-1 {agreement}); nothing was written{remedy}"
    )


def _check_delegation(lowered: Lowered, wanted: float | None, registered: bool) -> None:
    wanted = (1.0 if registered else 0.0) if wanted is None else wanted
    if lowered.delegated_share >= wanted:
        return
    listed = "".join(
        f"\n  {op.op} in {op.module or 'the root module'}: {op.reason}"
        for op in lowered.ops_outside
    )
    raise DelegationError(
        f"[compile] expected at least {wanted:.1%} of the operators in the delegate, got"
        f" {lowered.delegated_share:.1%} of {lowered.ops_total}; replace these operators or lower"
        f" --min-delegated:{listed}"
    )


def _metadata(
    subject: Subject, target: str, precision: str, gate: _Gate, layers: tuple[LayerRecord, ...]
) -> Metadata:
    packages = ("hvit-edge", "torch", "executorch")
    return Metadata(
        schema_version=SCHEMA_VERSION,
        model_name=subject.origin.name,
        target=target,
        precision=precision,
        created=creation_time(),
        weights_source=subject.origin.weights_source,
        weights_sha256=weights_digest(subject.module),
        versions={package: version(package) for package in packages},
        labels=subject.origin.labels,
        preprocess=subject.origin.preprocess,
        parity=gate.results[-1].difference,
        golden_tolerance=golden_tolerance(precision, gate.rtol),
        layers=layers,
    )


def _self_test(model: str, path: Path) -> None:
    """Run the written file in the C++ runtime, preprocessing included."""
    result = Session(path).self_test()
    if not result.passed:
        raise ParityError(
            f"[compile] {model}: expected the artifact to pass its self test in the C++ runtime,"
            f" got max_rel {result.max_rel:.3g}; nothing was written"
        )

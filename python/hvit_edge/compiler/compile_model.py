"""Compile a model to an artifact: run all steps from PyTorch to the file, and check each one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from torch import nn
from torch.fx import GraphModule

from hvit_edge.boundary.public import public
from hvit_edge.boundary.torch_state import settled
from hvit_edge.compiler.compile_methods import compile_methods, method_sources
from hvit_edge.compiler.float_answers import FloatAnswers
from hvit_edge.compiler.gate import Gate
from hvit_edge.compiler.method_request import requested_methods
from hvit_edge.compiler.mixed import Labelled, Measured, MixedReport, keep_plan, mix
from hvit_edge.compiler.mixed_options import MixedOptions
from hvit_edge.compiler.photo_gate import PhotoGate, bundled_samples
from hvit_edge.compiler.pipeline import Made, make_program
from hvit_edge.compiler.report import Artifact
from hvit_edge.compiler.request import Request, make_request
from hvit_edge.compiler.source import Source, read_model
from hvit_edge.compiler.subject import Subject
from hvit_edge.compiler.task_gate import TaskGate
from hvit_edge.compiler.task_subject import TaskSubject
from hvit_edge.compiler.tensor_gate import TensorGate
from hvit_edge.compiler.tensor_subject import read_calibration
from hvit_edge.compiler.write_artifact import write_artifact
from hvit_edge.preprocess import Preprocess
from hvit_edge.progress import Wrap, silent
from hvit_edge.quantize import Calibration, bundled_calibration
from hvit_edge.ray.cluster import Cluster
from hvit_edge.sources.address import Address
from hvit_edge.targets import target_named
from hvit_edge.targets.target import Job, Sample
from hvit_edge.tasks import Task
from hvit_edge.tasks.names import CLASSIFY, TENSOR
from hvit_edge.weights import weights_digest

GATED_SAMPLES = 4
"""Number of calibration samples that the gate of a tensor artifact uses, besides the golden one."""


@public("compile")
@settled
def compile(
    model: str | Address | nn.Module,
    *,
    target: str = "xnnpack",
    precision: str | None = None,
    weights: object = None,
    num_classes: int | None = None,
    input_size: int | tuple[int, int] | None = None,
    preprocess: Preprocess | Mapping[str, Any] | str | Path | None = None,
    labels: Sequence[str] | Mapping[Any, Any] | str | Path | None = None,
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
    on: Cluster | None = None,
    progress: Wrap = silent,
    rtol: float | None = None,
    on_step: Callable[[str], None] | None = None,
    weights_key: str | None = None,
    args: Mapping[str, Any] | None = None,
    inputs: object = None,
    cache: bool = True,
    input_sizes: Sequence[int | tuple[int, int]] | None = None,
    batches: Sequence[int] | None = None,
    task: Task | str | None = None,
) -> Artifact:
    """Compile a model to one self-describing file.

    Args:
        model: a registered name; the address of another module, see `sources`
            ("FILE.py:FACTORY", "timm:NAME[.TAG]", "hf:OWNER/REPO"); or any module that maps
            float32 [1, 3, H, W] to logits [1, classes], or to the outputs of another `task`.
        target: "xnnpack"; "native" for a program that only our own runtime runs, see
            docs/native.md; "coreml" for an `.mlpackage`, see docs/coreml.md; or "coreml-pte"
            for an ExecuTorch program for Apple systems, see docs/coreml.md.
        precision: for xnnpack "fp32" (the default), "fp16", "int8" or "int8-dynamic", see
            `quantize`; or "auto", the fastest mixture of them that keeps the accuracy, see
            `compiler.mixed`. For native "fp32" (the default), "fp16", "int8" or "int8-dynamic". For
            coreml "fp16" (the default), "fp32", float16 with weights of 8 bits ("w8") or palettes
            of 6 or 4 bits ("w6", "w4"), or "int8" weights and activations.
        weights: a checkpoint of that model, see `create_model`. Like `num_classes`, `input_size`
            and `weights_key` it is only for a name or an address.
        num_classes: number of classes, see `create_model`.
        input_size: size of the photos, see `create_model`.
        weights_key: set of weights in the checkpoint, see `create_model`.
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
            require them. "int8-dynamic" accepts them; without, windows of the bundled photos are
            used. No other precision accepts any.
        calib_samples: largest number of calibration images to use, at least 32.
        eval_data: for "auto", labeled photos, see `compiler.mixed.MixedOptions`. The plan that a
            search finds is written next to the artifact as `NAME.plan.json`. An interrupted search
            continues when the same call is made again.
        max_drop: for "auto", the largest loss of accuracy in points, see `MixedOptions`.
        plan: for "auto", a plan that a search wrote, see `MixedOptions`.
        cost_profile: for "auto", times of the operators, see `MixedOptions`.
        force_inexact: for "auto", take a plan that misses `max_drop`, see `MixedOptions`.
        on: for "auto", a Ray cluster that measures layers and plans, see `MixedOptions`.
        progress: wraps the loops over the calibration images.
        rtol: largest difference from eager PyTorch, relative to its largest absolute output, with
            the same top class. It replaces the gate of the precision, see `measures.tolerance`.
        on_step: called with the name of each step that begins.
        inputs: for a module of any inputs and outputs, which becomes an artifact of the task
            "tensor": sample arrays (a tuple, a dict by argument name, or the path of an NPZ file),
            or a list of `InputSpec`s, from which samples are drawn. Without it the module maps
            photos to logits. `calib_data` is then an NPZ file whose arrays have a leading sample
            axis, or a folder of such files. See docs/tensors.md.
        cache: use results of earlier compilations that are certainly the same, and keep those of
            this one, in a folder of the user; see docs/getting_started.md. They change no artifact.
        input_sizes: several sizes in place of `input_size`, for xnnpack and native. The artifact
            then has one method for each size and batch, which share one copy of the weights; the
            first one is the preferred one. See docs/artifact.md.
        batches: numbers of photos of an input; None for 1. An artifact with another batch than 1
            has methods, too; those of more than one photo are run by `Session`.
        task: what the program computes from a photo: a class of `hvit_edge.tasks` with its options,
            or its name: "classify", "embed" (a vector [1, D]), "segment" (logits [1, C, h, w]) or
            "detect" (logits [1, A, C] and offsets [1, A, 4] for A anchors). None is the task of a
            registered name, and otherwise "classify". See docs/own_modules.md.

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
    source = read_model(model)
    request = make_request(
        source,
        target=target,
        precision=precision,
        cpu=cpu,
        ios=ios,
        compute_units=compute_units,
        output=output,
        force=force,
        rtol=rtol,
        min_delegated=min_delegated,
        calib_data=calib_data,
        calib_samples=calib_samples,
        mixed=MixedOptions(eval_data, max_drop, plan, cost_profile, force_inexact, on),
        progress=progress,
        on_step=on_step,
    )
    given = (source, args, weights, num_classes, input_size, weights_key)
    made = Source(given, preprocess, labels, inputs, cache, task=task)
    request.check(made.task)
    methods = requested_methods(source, request, input_size, input_sizes, batches, made.task)
    if methods is None:
        return compile_request(request, made)
    request.tell("build")
    sources = method_sources(methods, given, preprocess, labels, cache)
    return compile_methods(request, sources, _photo_work, _make)


def compile_request(request: Request, source: Source) -> Artifact:
    """Compile a source to one artifact.

    Args:
        request: checked options.
        source: the module; other requests may have used it before.
    """
    request.tell("build")
    if source.task == TENSOR:
        return _compile_arrays(request, source)
    return (_compile_photos if source.task == CLASSIFY else _compile_task)(request, source)


def _compile_photos(request: Request, source: Source) -> Artifact:
    """Compile a module that classifies photos to an artifact of the task "classify"."""
    gate, job, mixture = _photo_work(request, source)
    return _written(request, gate, job, source.photos.registered, mixture)


def _written(
    request: Request, gate: Gate, job: Job, registered: bool, mixture: _Mixture | None
) -> Artifact:
    """Make a program, and write it with the plan of precision "auto"."""
    made = _make(request, gate, job, registered)
    artifact = write_artifact(request, gate, made, mixture.report if mixture else None)
    if mixture is not None:
        keep_plan(mixture.report, job.name, request.path, force=request.force)
    return artifact


def _photo_work(
    request: Request, source: Source, pool: Any = None
) -> tuple[PhotoGate, Job, _Mixture | None]:
    """Return the gate and the job of a module that classifies photos, and the search of "auto".

    `pool` is what the methods of one artifact share, see `Target.new_pool`.
    """
    subject = source.photos
    origin, target = subject.origin, target_named(request.target)
    calibration = None
    if request.calib_data is not None:
        request.tell("calibrate")
        calibration = source.photo_calibration(request)
    if target.takes_pixels:
        subject = subject.in_few_colors()
    gate = PhotoGate(subject, request.precision, request.rtol, source.reuse)
    mixture = None
    if request.precision == "auto":
        classes, data = subject.expected.shape[1], request.mixed.eval_data
        mixture = _Mixture(
            request,
            subject,
            lambda: Labelled(data, origin.photos, classes, origin.labels) if data else None,
        )
    samples = gate.samples if request.precision == "fp32" else gate.photos
    job = replace(
        _job(request, source, origin.name, samples, calibration, subject.registered),
        preprocess=origin.preprocess,
        labels=origin.labels,
        default_calibration=lambda count: bundled_calibration(
            origin.photos, count=count
        ).in_batches(subject.batch),
        keep_sensitive=not subject.registered,
        mix=mixture,
        pool=pool,
    )
    return gate, job, mixture


def _compile_task(request: Request, source: Source) -> Artifact:
    """Compile a module to an artifact of another task of photos."""
    subject, origin = source.answers, source.answers.origin
    calibration = None
    if request.calib_data is not None:
        request.tell("calibrate")
        calibration = source.photo_calibration(request)
    if target_named(request.target).takes_pixels:
        subject = subject.in_few_colors()
    if request.precision != "fp32":
        subject = subject.with_photos(bundled_samples(origin.photos))
    gate, mixture = TaskGate(subject, request.precision, request.rtol, source.reuse), None
    if request.precision == "auto":
        data = request.mixed.eval_data
        mixture = _Mixture(request, subject, lambda: FloatAnswers(data, subject) if data else None)
    job = replace(
        _job(request, source, origin.name, gate.samples, calibration, subject.registered),
        outputs=subject.expected[0],
        names=((), subject.output_names),
        preprocess=origin.preprocess,
        labels=origin.labels,
        task=subject.task,
        default_calibration=lambda count: bundled_calibration(origin.photos, count=count),
        keep_sensitive=True,
        mix=mixture,
    )
    return _written(request, gate, job, subject.registered, mixture)


def _compile_arrays(request: Request, source: Source) -> Artifact:
    """Compile a module of any inputs and outputs to an artifact of the task "tensor"."""
    subject = source.arrays
    calibration = None
    if request.calib_data is not None:
        request.tell("calibrate")
        calibration = read_calibration(subject, request.calib_data, request.calib_samples)
        more = calibration.inputs[:GATED_SAMPLES]
        subject = subject.with_samples([one for one in more if isinstance(one, tuple)])
    gate = TensorGate(subject, request.precision, request.rtol, source.reuse)
    job = replace(
        _job(request, source, subject.origin.name, gate.samples, calibration, subject.registered),
        outputs=subject.expected[0],
        names=(subject.input_names, subject.output_names),
    )
    made = _make(request, gate, job, subject.registered)
    return write_artifact(request, gate, made)


def _job(
    request: Request,
    source: Source,
    name: str,
    samples: list[Sample],
    calibration: Calibration | None,
    registered: bool,
) -> Job:
    """Return a job without the fields that depend on the task."""
    return Job(
        name=name,
        precision=request.precision,
        samples=samples,
        cpu=request.cpu,
        ios=request.ios,
        compute_units=request.compute_units,
        whole=request.least_share(registered) == 1,
        calibration=calibration,
        reuse=source.reuse,
        progress=request.progress,
        tell=request.tell,
    )


def _make(request: Request, gate: Gate, job: Job, registered: bool) -> Made:
    check = partial(request.check_delegation, registered=registered)
    made = make_program(target_named(request.target), gate, job, check)
    request.tell("write")
    return made


class _Mixture:
    """Chooses the precision of each layer for "auto".

    Attributes:
        report: the result; it is set by the call.
    """

    report: MixedReport

    def __init__(
        self,
        request: Request,
        subject: Subject | TaskSubject,
        measured: Callable[[], Measured | None],
    ) -> None:
        self._request, self._subject, self._measured = request, subject, measured

    def __call__(self, graph: GraphModule, calibration: Calibration) -> GraphModule:
        request = self._request
        made, self.report = mix(
            graph,
            request.mixed,
            model=self._subject.origin.name,
            weights_digest=weights_digest(self._subject.module),
            calibration=calibration,
            labelled=self._measured(),
            output=request.path,
            progress=request.progress,
            tell=request.tell,
        )
        return made

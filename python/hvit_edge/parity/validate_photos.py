"""Validate an artifact that classifies photos, step by step."""

from __future__ import annotations

from pathlib import Path

from hvit_edge.devices import Runner
from hvit_edge.measures.tolerance import step_tolerance
from hvit_edge.parity.float_steps import measure_float_steps
from hvit_edge.parity.graph_answer import measure_fidelity
from hvit_edge.parity.locate_break import locate_break
from hvit_edge.parity.on_device import measure_on_device
from hvit_edge.parity.opened import Opened
from hvit_edge.parity.photos import open_photos
from hvit_edge.parity.reference import Given, reference_model
from hvit_edge.parity.report import ParityReport, measure_noise
from hvit_edge.parity.steps import judge, measure, pytorch_step
from hvit_edge.progress import Count, uncounted
from hvit_edge.targets import target_named
from hvit_edge.targets.executorch import executorch_step
from hvit_edge.targets.target import photo_sample


def validate_photos(
    opened: Opened,
    given: Given,
    *,
    data: str | Path | None,
    rtol: float | None,
    bisect: bool,
    runner: Runner | None,
    threads: int,
    progress: Count = uncounted,
) -> ParityReport:
    """Compare an artifact, and every step that led to it, with eager PyTorch.

    Args:
        opened: the artifact.
        given: the module or weights from the caller.
        data, rtol, bisect, threads, progress: see `validate`.
        runner: runs the program on a device as well; None for no device.

    Raises:
        InputError: there are no photos; or see `reference_model`.
        DeviceError: the device cannot be reached, or was lost.
    """
    metadata = opened.metadata
    tolerance = step_tolerance(opened.step, metadata.precision, rtol)
    model = reference_model(metadata, opened.classes, given, artifact=opened.path)
    photos, skipped = open_photos(data, metadata.preprocess)
    samples = [photo_sample(metadata.preprocess, image, opened.batch) for _, image in photos]
    inputs = [sample.arrays[0] for sample in samples]
    eager = pytorch_step(model)
    expected = [eager(array) for array in inputs]
    outputs = [opened.run(sample)[0] for sample in samples]
    float_steps = measure_float_steps(
        model,
        inputs,
        expected,
        metadata.precision,
        rtol,
        passes=target_named(metadata.target).applied(metadata),
    )
    steps = [*float_steps]
    if opened.in_executorch:
        lowered = executorch_step(opened.path.read_bytes(), opened.entry)
        steps.append(measure("lowered", lowered, inputs, expected, tolerance))
    steps += measure_fidelity(opened.golden, opened.golden_sample, opened.run)
    steps.append(judge(opened.step, outputs, expected, tolerance))
    there = None
    if runner is not None:
        step, there, outputs = measure_on_device(
            runner,
            opened.path,
            inputs,
            outputs,
            expected,
            tolerance,
            threads=threads,
            progress=progress,
        )
        steps.append(step)
    report = ParityReport(
        artifact=opened.path,
        precision=metadata.precision,
        images=len(inputs),
        tolerance=tolerance,
        steps=tuple(steps),
        noise=measure_noise([name for name, _ in photos], expected, outputs),
        layers=tuple(sorted(metadata.layers, key=lambda layer: layer.sqnr_db)),
        skipped=skipped,
        backend=opened.backend,
        device=there,
        method=metadata.method,
    )
    if not bisect or report.passed:
        return report
    return locate_break(report, metadata, model, samples, rtol)

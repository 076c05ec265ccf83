"""Validate an artifact that embeds, segments or detects: its outputs and its answers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hvit_edge.artifact.container import Arrays
from hvit_edge.devices import Runner
from hvit_edge.measures.tolerance import step_tolerance
from hvit_edge.parity.answer_agreement import compare_answers
from hvit_edge.parity.judge_outputs import judge_outputs, tolerances_of, without_classes
from hvit_edge.parity.locate_break import locate_break
from hvit_edge.parity.on_device import measure_arrays_on_device
from hvit_edge.parity.opened import Opened
from hvit_edge.parity.output_steps import fidelity_steps, float_steps, output_noise
from hvit_edge.parity.photos import open_photos
from hvit_edge.parity.reference import Given
from hvit_edge.parity.reference_task import reference_function
from hvit_edge.parity.report import ParityReport
from hvit_edge.parity.steps import StepResult
from hvit_edge.progress import Count, uncounted
from hvit_edge.runtime.decode import decode
from hvit_edge.targets.executorch import executorch_run
from hvit_edge.targets.target import photo_sample
from hvit_edge.tensors.eager import eager_outputs


def validate_task(
    opened: Opened,
    *,
    given: Given,
    data: str | Path | None,
    rtol: float | None,
    bisect: bool = False,
    runner: Runner | None = None,
    threads: int = 0,
    progress: Count = uncounted,
) -> ParityReport:
    """Compare every output of an artifact, and of every step that led to it, with eager PyTorch.

    The answers of the last step are compared as well: masks, boxes or embeddings. Both sides are
    decoded by the same code, so that only the programs can differ.

    Args:
        opened, given, data, rtol, bisect, runner, threads, progress: see `validate_photos`.

    Raises:
        InputError: there are no photos; or see `reference_model`.
        DeviceError: the device cannot be reached, or was lost.
    """
    metadata, names = opened.metadata, opened.metadata.output_names
    function = reference_function(metadata, opened.classes, given, opened.path)
    photos, skipped = open_photos(data, metadata.preprocess)
    samples = [photo_sample(metadata.preprocess, image) for _, image in photos]
    inputs = [sample.arrays for sample in samples]
    expected = [eager_outputs(function, arrays) for arrays in inputs]
    metadata.photo_task.check_outputs([array.shape for array in expected[0]], "validate")

    def judged(step: str, outputs: Sequence[Arrays]) -> StepResult:
        tolerance = step_tolerance(step, metadata.precision, rtol)
        tolerances = tolerances_of(tolerance, expected[0], metadata.precision, rtol)
        return judge_outputs(step, names, outputs, expected, tolerances)

    outputs = [opened.run(sample) for sample in samples]
    steps = [*float_steps(function, inputs, metadata, judged), *fidelity_steps(opened)]
    if opened.in_executorch:
        lowered = executorch_run(opened.path.read_bytes())
        steps.append(judged("lowered", [lowered(arrays) for arrays in inputs]))
    steps.append(judged(opened.step, outputs))
    there = None
    if runner is not None:
        step, there, outputs = measure_arrays_on_device(
            runner,
            opened.path,
            inputs,
            outputs,
            judged,
            names,
            threads=threads,
            progress=progress,
        )
        steps.append(step)
    named = [name for name, _ in photos]
    sizes = [image.shape[:2] for _, image in photos]
    answers = [
        [decode(metadata, row, *size) for row, size in zip(rows, sizes, strict=True)]
        for rows in (expected, outputs)
    ]
    report = ParityReport(
        artifact=opened.path,
        precision=metadata.precision,
        images=len(inputs),
        tolerance=without_classes(step_tolerance(opened.step, metadata.precision, rtol)),
        steps=tuple(steps),
        noise=output_noise(named, expected, outputs),
        layers=tuple(sorted(metadata.layers, key=lambda layer: layer.sqnr_db)),
        skipped=skipped,
        backend=opened.backend,
        device=there,
        task=metadata.task,
        answers=compare_answers(metadata.task, named, *answers),
    )
    if not bisect or report.passed:
        return report
    return locate_break(report, metadata, function, samples, rtol)

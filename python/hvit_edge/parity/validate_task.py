"""Validate an artifact that embeds, segments or detects: its outputs and its answers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from hvit_edge.devices import Runner
from hvit_edge.parity.answer_agreement import compare_answers
from hvit_edge.parity.opened import Opened
from hvit_edge.parity.photos import open_photos
from hvit_edge.parity.reference import Given
from hvit_edge.parity.reference_task import reference_function
from hvit_edge.parity.report import ParityReport
from hvit_edge.parity.validate_outputs import validate_outputs
from hvit_edge.progress import Count, uncounted
from hvit_edge.runtime.decode import decode
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
    metadata = opened.metadata
    function = reference_function(metadata, opened.classes, given, opened.path)
    photos, skipped = open_photos(data, metadata.preprocess)
    named = [name for name, _ in photos]
    samples = [photo_sample(metadata.preprocess, image) for _, image in photos]
    expected = [eager_outputs(function, sample.arrays) for sample in samples]
    metadata.photo_task.check_outputs([array.shape for array in expected[0]], "validate")
    report, outputs = validate_outputs(
        opened,
        function,
        samples,
        named,
        expected,
        rtol=rtol,
        bisect=bisect,
        runner=runner,
        threads=threads,
        progress=progress,
    )
    sizes = [image.shape[:2] for _, image in photos]
    answers = [
        [decode(metadata, row, *size) for row, size in zip(rows, sizes, strict=True)]
        for rows in (expected, outputs)
    ]
    compared = compare_answers(metadata.task, named, *answers)
    return replace(report, skipped=skipped, answers=compared)

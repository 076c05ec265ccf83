"""Measure the masks of an artifact against label maps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from hvit_edge.annotations import AnnotatedSet
from hvit_edge.annotations.voc_masks import check_size
from hvit_edge.datasets import FirstFew, Skipped
from hvit_edge.evaluate.answers import unread
from hvit_edge.evaluate.task_answers import Answered, Answering, Spread, answered
from hvit_edge.evaluate.task_report import ClassIou, SegmentReport
from hvit_edge.measures.mask_overlap import MaskOverlap, count_pairs, mask_agreement
from hvit_edge.progress import Wrap, silent
from hvit_edge.runtime import Mask
from hvit_edge.runtime.decode import label_of
from hvit_edge.tasks.names import SEGMENT


def measure_masks(
    answering: Answering,
    data: AnnotatedSet[np.ndarray],
    *,
    classes: int,
    labels: tuple[str, ...] = (),
    eager: Answering | None = None,
    progress: Wrap = silent,
    artifact: str = "",
    backend: str = "",
    spread: Spread | None = None,
) -> SegmentReport:
    """Segment all photos of a set, and compare the masks with its label maps.

    Args:
        answering: maps a photo to a `runtime.Mask`.
        data: photos and label maps, see `annotations.open_masks`.
        classes, labels: number of classes of the network, and their names if they have some.
        eager: the same with PyTorch, compared photo by photo.
        progress: wraps the loop.
        artifact, backend: names in the report.
        spread: answers the photos elsewhere instead of `answering` and `eager`.

    Raises:
        InputError: a label map has another size than its photo, or no photo can be read.
    """
    overlap, eager_overlap = MaskOverlap(classes), MaskOverlap(classes)
    skipped: list[Skipped] = []
    agreements, answers = [], []
    images = answered(data.images, answering, eager, skipped, spread)
    for each in progress(images, len(data)):
        if isinstance(each, Skipped):
            answers.append(unread(len(answers), each.name, each.reason))
            continue
        truth = data.truth(each.index)
        check_size(each.name, truth, each.size)
        counts = count_pairs(truth, each.answer.classes, classes)
        overlap.counts += counts
        answers.append(_answer(each, counts))
        if eager is not None:
            eager_overlap.add(truth, each.eager.classes)
            agreements.append(mask_agreement(each.eager.classes, each.answer.classes))
    rows = [
        ClassIou(label_of(labels, row.index), row.index, row.iou, row.pixels, row.found)
        for row in overlap.per_class()
    ]
    absent = sorted(set(range(classes)) - {row.index for row in rows})
    return SegmentReport(
        task=SEGMENT,
        artifact=artifact,
        data=data.images.source,
        backend=backend,
        images=len(data) - len(skipped),
        skipped=skipped,
        ignored=data.images.ignored,
        answers=tuple(answers),
        mean_iou=overlap.mean_iou(),
        pixel_accuracy=overlap.equal_share(),
        per_class=rows,
        absent_classes=FirstFew.of([label_of(labels, index) for index in absent]),
        eager_mean_iou=None if eager is None else eager_overlap.mean_iou(),
        agreement=float(np.mean(agreements)) if agreements else None,
    )


def _answer(answered: Answered, counts: np.ndarray) -> dict[str, Any]:
    """Return the row of an image, see docs/evaluation.md.

    Args:
        answered: the image and its masks.
        counts: its pixels by true and found class.
    """
    overlap = MaskOverlap(len(counts))
    overlap.counts += counts
    both = np.diagonal(counts)
    either = counts.sum(0) + counts.sum(1) - both
    row = {
        "index": answered.index,
        "name": answered.name,
        "size": list(answered.size),
        "iou": overlap.mean_iou(),
        "equal": overlap.equal_share(),
        "classes": {str(i): [int(both[i]), int(either[i])] for i in np.flatnonzero(either)},
        "masks": _run_lengths(answered.answer),
    }
    if answered.eager is not None:
        row["eager_masks"] = _run_lengths(answered.eager)
    return row


def _run_lengths(mask: Mask) -> Mapping[str, object]:
    return {str(index): mask.run_length(int(index)) for index in np.unique(mask.classes)}

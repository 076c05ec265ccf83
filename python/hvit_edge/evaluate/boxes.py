"""Measure the boxes of an artifact against COCO's annotations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hvit_edge.annotations import AnnotatedSet
from hvit_edge.annotations.coco_boxes import TrueBox
from hvit_edge.datasets import FirstFew, Skipped
from hvit_edge.evaluate.answers import unread
from hvit_edge.evaluate.task_answers import Answered, Answering, Spread, answered
from hvit_edge.evaluate.task_report import ClassPrecision, DetectReport
from hvit_edge.measures.box_overlap import match_boxes
from hvit_edge.measures.coco_map import check_installed, measure_boxes
from hvit_edge.progress import Wrap, silent
from hvit_edge.runtime import Detection
from hvit_edge.runtime.decode import label_of
from hvit_edge.tasks.names import DETECT


def measure_detections(
    answering: Answering,
    data: AnnotatedSet[tuple[TrueBox, ...]],
    *,
    classes: int,
    labels: tuple[str, ...] = (),
    eager: Answering | None = None,
    progress: Wrap = silent,
    artifact: str = "",
    backend: str = "",
    spread: Spread | None = None,
) -> DetectReport:
    """Detect objects in all photos of a set, and compare the boxes with its annotations.

    Args:
        answering: maps a photo to a list of `runtime.Detection`.
        data: photos and boxes, see `annotations.open_boxes`.
        classes, labels: number of classes of the network with the background, and the names of the
            others if they have some.
        eager, progress, artifact, backend, spread: see `measure_masks`.

    Raises:
        InputError: pycocotools is not installed, there is no object, or no photo can be read.
    """
    check_installed("evaluate")
    truth, found, others, answers = [], [], [], []
    skipped: list[Skipped] = []
    images = answered(data.images, answering, eager, skipped, spread)
    for each in progress(images, len(data)):
        if isinstance(each, Skipped):
            answers.append(unread(len(answers), each.name, each.reason))
            continue
        truth.append(data.truth(each.index))
        found.append(each.answer)
        others.append(each.eager)
        answers.append(_answer(each, truth[-1]))
    result = measure_boxes(truth, found, classes=classes)
    rows = [
        ClassPrecision(label_of(labels, row.index, first=1), row.index, row.objects, row.precision)
        for row in result.per_class
    ]
    absent = sorted(set(range(1, classes)) - {row.index for row in rows})
    compared = {}
    if eager is not None:
        compared["eager_mean_precision"] = measure_boxes(truth, others, classes=classes).mean
        compared["agreement"] = _agreement(others, found)
    return DetectReport(
        task=DETECT,
        artifact=artifact,
        data=data.images.source,
        backend=backend,
        images=len(data) - len(skipped),
        skipped=skipped,
        ignored=data.images.ignored,
        answers=tuple(answers),
        objects=sum(row.objects for row in rows),
        found=sum(map(len, found)),
        mean_precision=result.mean,
        at_50=result.at_50,
        at_75=result.at_75,
        small=result.small,
        medium=result.medium,
        large=result.large,
        recall_1=result.recall_1,
        recall_10=result.recall_10,
        recall_100=result.recall_100,
        per_class=rows,
        absent_classes=FirstFew.of([label_of(labels, i, first=1) for i in absent]),
        **compared,
    )


def _agreement(expected: list, found: list) -> float:
    """Return the share of the boxes of all images that match, of the larger number."""
    pairs = [match_boxes(e, f) for e, f in zip(expected, found, strict=True)]
    whole = sum(max(pair.expected, pair.found) for pair in pairs)
    return sum(pair.matched for pair in pairs) / whole if whole else 1.0


def _answer(answered: Answered, objects: Sequence[TrueBox]) -> dict[str, Any]:
    """Return the row of an image, see docs/evaluation.md."""
    row = {
        "index": answered.index,
        "name": answered.name,
        "size": list(answered.size),
        "boxes": _boxes(answered.answer),
        "objects": [{**_place(box), "crowd": box.crowd} for box in objects],
    }
    if answered.eager is not None:
        row["eager_boxes"] = _boxes(answered.eager)
    return row


def _boxes(found: Sequence[Detection]) -> list[dict[str, Any]]:
    return [{**_place(box), "score": float(box.score)} for box in found]


def _place(box: Detection | TrueBox) -> dict[str, Any]:
    sides = {side: float(getattr(box, side)) for side in ("x", "y", "width", "height")}
    return {"index": box.index, **sides}

"""Measure boxes by COCO's mean average precision, computed by pycocotools."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hvit_edge.annotations.coco_boxes import TrueBox
from hvit_edge.errors import InputError
from hvit_edge.measures.box_overlap import Box

OVERLAPS = (0.5, 0.75)
"""Overlaps for which the report has an average precision of its own."""


@dataclass(frozen=True)
class ClassPrecision:
    """Holds the class, its number of objects, and its average precision (0 to 1)."""

    index: int
    objects: int
    precision: float


@dataclass(frozen=True)
class CocoPrecision:
    """Holds the twelve numbers of COCO, from 0 to 1, and the average precision of each class.

    Attributes:
        mean: mean average precision over the overlaps 0.5, 0.55, ... 0.95, and over the classes
            that have objects.
        at_50, at_75: the same at one overlap.
        small, medium, large: of objects of up to 32 x 32 pixels, up to 96 x 96, and above; None if
            there are none.
        recall_1, recall_10, recall_100: mean recall with at most so many boxes in an image.
        per_class: one row for every class that has objects, crowds not counted.
    """

    mean: float
    at_50: float
    at_75: float
    small: float | None
    medium: float | None
    large: float | None
    recall_1: float
    recall_10: float
    recall_100: float
    per_class: tuple[ClassPrecision, ...]


def check_installed(where: str) -> None:
    """Raise InputError if pycocotools is not installed; call it before the work."""
    try:
        import pycocotools.cocoeval  # noqa: F401
    except ImportError as error:
        raise InputError(
            f"[{where}] expected pycocotools, which computes COCO's mean average precision, got no"
            f" such package ({error}); pip install 'hvit-edge[eval]'"
        ) from error


def measure_boxes(
    truth: Sequence[Iterable[TrueBox]], found: Sequence[Iterable[Box]], *, classes: int
) -> CocoPrecision:
    """Compare the boxes that were found in each image with the true ones.

    Args:
        truth: the objects of each image.
        found: the boxes of each image, in the same order of images. As in COCO, the 100 with the
            highest scores count.
        classes: number of classes; objects and boxes have an index below it.

    Raises:
        InputError: pycocotools is not installed, the numbers of images differ, or there is no
            object.
    """
    check_installed("coco_map")
    from pycocotools.cocoeval import COCOeval

    if len(truth) != len(found):
        raise InputError(
            f"[coco_map] expected boxes for {len(truth)} images, got {len(found)}; give a list for"
            " every image, empty if nothing was found"
        )
    objects = [_annotation(i, box) for i, boxes in enumerate(truth) for box in boxes]
    if not any(not each["iscrowd"] for each in objects):
        raise InputError(
            "[coco_map] expected at least one object in the images, got none; use images with boxes"
        )
    boxes = [
        {**_annotation(i, TrueBox(box.index, box.x, box.y, box.width, box.height)), "score": score}
        for i, each in enumerate(found)
        for box in each
        for score in [float(box.score)]
    ]
    with contextlib.redirect_stdout(io.StringIO()):  # it prints its table
        pair = [_data_set(rows, len(truth), classes) for rows in (objects, boxes)]
        evaluation = COCOeval(*pair, "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return _precision(evaluation.stats, evaluation.eval["precision"], objects)


def _annotation(image: int, box: TrueBox) -> dict[str, Any]:
    place = [float(side) for side in (box.x, box.y, box.width, box.height)]
    return {
        "image_id": image + 1,
        "category_id": box.index,
        "bbox": place,
        "area": place[2] * place[3] if box.area is None else box.area,
        "iscrowd": int(box.crowd),
    }


def _data_set(rows: Sequence[Mapping[str, Any]], images: int, classes: int) -> Any:
    """Return an index of pycocotools over annotations, which get their numbers from 1."""
    from pycocotools.coco import COCO

    index = COCO()
    index.dataset = {
        "images": [{"id": number} for number in range(1, images + 1)],
        "categories": [{"id": number} for number in range(classes)],
        "annotations": [{**row, "id": number} for number, row in enumerate(rows, start=1)],
    }
    index.createIndex()
    return index


def _precision(
    stats: np.ndarray, precision: np.ndarray, objects: Sequence[Mapping[str, Any]]
) -> CocoPrecision:
    """Return the result; `precision` is [overlaps, recalls, classes, areas, numbers of boxes]."""
    number = [each["category_id"] for each in objects if not each["iscrowd"]]
    rows = tuple(
        ClassPrecision(index, number.count(index), float(precision[:, :, index, 0, -1].mean()))
        for index in sorted(set(number))
    )
    small, medium, large = (None if value < 0 else float(value) for value in stats[3:6])
    return CocoPrecision(
        mean=float(stats[0]),
        at_50=float(stats[1]),
        at_75=float(stats[2]),
        small=small,
        medium=medium,
        large=large,
        recall_1=float(stats[6]),
        recall_10=float(stats[7]),
        recall_100=float(stats[8]),
        per_class=rows,
    )

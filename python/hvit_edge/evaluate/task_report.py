"""Define the reports of evaluations of the tasks segment, detect and embed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from hvit_edge.datasets import FirstFew, Skipped
from hvit_edge.evaluate.answers import plain


@dataclass(frozen=True)
class TaskReport:
    """Holds what the reports of all three tasks have; shares are from 0 to 1.

    Attributes:
        task: name of the task.
        artifact, data: names of the artifact and of the data.
        backend: name of what ran the program.
        images: number of images that were read and answered.
        skipped: the unreadable images, with the reason.
        ignored: files of the data that were not used.
        answers: one row for each image, see docs/evaluation.md; not in `to_dict`.
    """

    task: str
    artifact: str
    data: str
    backend: str
    images: int
    skipped: list[Skipped]
    ignored: FirstFew
    answers: tuple[dict[str, Any], ...] = field(default=(), repr=False, kw_only=True)

    def to_dict(self) -> dict:
        """Return the report as plain lists, dicts, strings and numbers."""
        return plain(self)


@dataclass(frozen=True)
class ClassIou:
    """Holds a class, its overlap (0 to 1), and its pixels in the true and in the found masks."""

    label: str
    index: int
    iou: float
    pixels: int
    found: int


@dataclass(frozen=True)
class SegmentReport(TaskReport):
    """Holds the overlap of masks.

    Attributes:
        mean_iou: mean of the overlap of each class, see `measures.mask_overlap`.
        pixel_accuracy: share of the counted pixels with the true class.
        per_class: one row for every class that any mask has.
        absent_classes: classes of the network that no mask has; they count nowhere.
        eager_mean_iou: `mean_iou` of PyTorch; None without it.
        agreement: mean over the images of the overlap of both masks; None without PyTorch.
    """

    mean_iou: float
    pixel_accuracy: float
    per_class: list[ClassIou]
    absent_classes: FirstFew
    eager_mean_iou: float | None = None
    agreement: float | None = None


@dataclass(frozen=True)
class ClassPrecision:
    """Holds a class, its number of objects, and its average precision (0 to 1)."""

    label: str
    index: int
    objects: int
    precision: float


@dataclass(frozen=True)
class DetectReport(TaskReport):
    """Holds the precision of boxes by COCO, see `measures.coco_map.CocoPrecision`.

    Attributes:
        objects: number of objects in the images that were read, crowds not counted.
        found: number of boxes.
        mean_precision, at_50, at_75, small, medium, large: average precisions.
        recall_1, recall_10, recall_100: mean recalls.
        per_class: one row for every class that has objects.
        absent_classes: classes of the network without objects.
        eager_mean_precision: `mean_precision` of PyTorch; None without it.
        agreement: share of all boxes that match one of PyTorch, see `measures.box_overlap`; None
            without PyTorch.
    """

    objects: int
    found: int
    mean_precision: float
    at_50: float
    at_75: float
    small: float | None
    medium: float | None
    large: float | None
    recall_1: float
    recall_10: float
    recall_100: float
    per_class: list[ClassPrecision]
    absent_classes: FirstFew
    eager_mean_precision: float | None = None
    agreement: float | None = None


@dataclass(frozen=True)
class ClassRecall:
    """Holds a class, its number of images, and its recalls by k; None if it has one image."""

    label: str
    index: int
    images: int
    recall: dict[str, float | None]


@dataclass(frozen=True)
class EmbedReport(TaskReport):
    """Holds how often the nearest neighbors of an image include one of its class.

    Attributes:
        queries: number of images with another one of their class.
        recall: share of the queries with one of their class among the k nearest images, by k as
            text: "1", "5" and "10".
        per_class: one row for every class that has images.
        empty_classes: subfolders without an image.
        eager_recall: `recall` of PyTorch; empty without it.
        agreement: lowest cosine of an embedding and PyTorch's; None without PyTorch.
    """

    queries: int
    recall: dict[str, float]
    per_class: list[ClassRecall]
    empty_classes: FirstFew = FirstFew()
    eager_recall: dict[str, float] = field(default_factory=dict)
    agreement: float | None = None

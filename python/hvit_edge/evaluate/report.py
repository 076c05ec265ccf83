"""Compute the report of an evaluation: accuracy, table of classes, worst confusions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from hvit_edge.datasets import FirstFew, ImageSet, Skipped
from hvit_edge.errors import InputError
from hvit_edge.evaluate.answers import plain, unread
from hvit_edge.images.file_names import printable
from hvit_edge.measures.proportion import wilson_interval
from hvit_edge.tasks.names import CLASSIFY

WORST_CLASSES = 5
MISTAKES = 3


@dataclass(frozen=True)
class Outcome:
    """Holds the result for one image.

    Attributes:
        index: its position in the data, from 0.
        rank: number of classes that the runtime ranks before the true one; None if skipped.
        predicted: the first class of the runtime; None if skipped.
        eager_rank, eager_predicted: the same for the eager model; None without one.
        skipped: why the image could not be read; None if it could.
        score, true_score: probability of the first class and of the true one, with six decimals;
            None if skipped, or in a state file of an earlier version.
    """

    index: int
    rank: int | None = None
    predicted: int | None = None
    eager_rank: int | None = None
    eager_predicted: int | None = None
    skipped: str | None = None
    score: float | None = None
    true_score: float | None = None


@dataclass(frozen=True)
class ClassAccuracy:
    """Holds the name of a class, its number of images, and its top-1 and top-5 (0 to 1)."""

    label: str
    index: int
    images: int
    top1: float
    top5: float


@dataclass(frozen=True)
class Mistake:
    """Holds a class that was predicted in place of the true one, and for how many images."""

    label: str
    index: int
    images: int


@dataclass(frozen=True)
class Confusion:
    """Holds a class that is often misclassified.

    Attributes:
        label, index: the class.
        images: number of its images.
        top1: share of them (0 to 1) that were classified correctly; less than 1.
        mistaken_for: at most three classes that were most often predicted instead, the most
            frequent first; equally frequent ones by index.
    """

    label: str
    index: int
    images: int
    top1: float
    mistaken_for: list[Mistake]


@dataclass(frozen=True)
class EmptyClass:
    """Holds a class that the data should have, but without a classified image.

    Attributes:
        label, index: the class.
        folders: its folders, if they are empty.
        unreadable: number of images that could not be read.
    """

    label: str
    index: int
    folders: tuple[str, ...]
    unreadable: int

    def __str__(self) -> str:
        folders = ", ".join(map(printable, self.folders))
        named = "" if folders in ("", self.label) else f", folder {folders}"
        why = f"{self.unreadable} unreadable" if self.unreadable else "no image"
        return f"{printable(self.label)} ({why}{named})"


@dataclass(frozen=True)
class EvalReport:
    """Holds the results of `evaluate`; shares are from 0 to 1.

    Attributes:
        artifact, data: names of the artifact and of the data.
        top1, top5: share of images whose class is the first, or among the first five.
        images: number of images that were read and classified.
        skipped: the unreadable images, with the reason.
        per_class: one row for every class that has images.
        confusion: at most five classes with errors, by top-1, the worst first; with equal top-1 the
            class with more images comes first, then the lower index.
        eager_top1: top-1 of the eager model; None without one.
        agreement: share of images for which both predict the same class; None without an eager
            model.
        backend: name of the backend that ran the program.
        ignored: files that are not named like images, or are in no class folder.
        empty_classes: classes whose folders have no readable image.
        absent_classes: classes of the network that are not in the data.
        task: name of the task.
        top1_interval, top5_interval: Wilson intervals of 95 % for both shares.
        lost_devices: why each device that was lost gave no answer; others took its images.
        answers: one row for each image, see docs/evaluation.md; not in `to_dict`.
    """

    artifact: str
    data: str
    top1: float
    top5: float
    images: int
    skipped: list[Skipped]
    per_class: list[ClassAccuracy]
    confusion: list[Confusion]
    eager_top1: float | None = None
    agreement: float | None = None
    backend: str = "C++ runtime"
    ignored: FirstFew = FirstFew()
    empty_classes: list[EmptyClass] = field(default_factory=list)
    absent_classes: FirstFew = FirstFew()
    task: str = CLASSIFY
    top1_interval: tuple[float, float] = (0.0, 1.0)
    top5_interval: tuple[float, float] = (0.0, 1.0)
    lost_devices: dict[str, str] = field(default_factory=dict)
    answers: tuple[dict[str, Any], ...] = field(default=(), repr=False)

    def to_dict(self) -> dict:
        """Return the report as plain lists, dicts, strings and numbers."""
        return plain(self)


def summarise(
    outcomes: Sequence[Outcome],
    images: ImageSet,
    labels: Sequence[str],
    *,
    artifact: str,
    data: str,
    against_eager: bool,
    backend: str = "C++ runtime",
    classes: int | None = None,
) -> EvalReport:
    """Compute the report of a finished evaluation.

    Args:
        outcomes: one for every image of `images`.
        images: the data.
        labels: class names of the network in order; classes without a name use their number.
        artifact, data: their names in the report.
        against_eager: the outcomes include the answers of the eager model.
        backend: name of the backend that ran the program.
        classes: number of classes of the network; None for the number of labels.

    Raises:
        InputError: no image could be read.
    """
    skipped = [Skipped(images.names[o.index], o.skipped) for o in outcomes if o.skipped is not None]
    read = [o for o in outcomes if o.skipped is None]
    if not read:
        raise InputError(
            f"[evaluate] {printable(data)}: expected readable images, got {len(skipped)} unreadable"
            f" ones, the first: {skipped[0].reason}"
        )
    truth = np.array([images.labels[o.index] for o in read])
    ranks = np.array([o.rank for o in read])
    predicted = np.array([o.predicted for o in read])
    eager = {}
    if against_eager:
        eager["eager_top1"] = float(np.mean([o.eager_rank < 1 for o in read]))
        eager["agreement"] = float(np.mean([o.predicted == o.eager_predicted for o in read]))
    per_class = _per_class(truth, ranks, labels)
    return EvalReport(
        artifact=artifact,
        data=data,
        top1=float(np.mean(ranks < 1)),
        top5=float(np.mean(ranks < 5)),
        images=len(read),
        skipped=skipped,
        per_class=per_class,
        confusion=[_confusion(row, truth, predicted, labels) for row in _worst(per_class)],
        backend=backend,
        ignored=images.ignored,
        empty_classes=empty_classes(outcomes, images, labels),
        absent_classes=_absent_classes(images, labels, classes),
        top1_interval=wilson_interval(int((ranks < 1).sum()), len(read)),
        top5_interval=wilson_interval(int((ranks < 5).sum()), len(read)),
        answers=tuple(_answer(o, images, against_eager) for o in outcomes),
        **eager,
    )


def _answer(outcome: Outcome, images: ImageSet, against_eager: bool) -> dict[str, Any]:
    """Return the row of an image, see docs/evaluation.md."""
    name, label = images.names[outcome.index], images.labels[outcome.index]
    if outcome.skipped is not None:
        return unread(outcome.index, name, outcome.skipped, label=label)
    row = {key: getattr(outcome, key) for key in ("predicted", "rank", "score", "true_score")}
    if against_eager:
        row |= {"eager_predicted": outcome.eager_predicted, "eager_rank": outcome.eager_rank}
    return {"index": outcome.index, "name": name, "label": label, **row}


def empty_classes(
    outcomes: Sequence[Outcome], images: ImageSet, labels: Sequence[str]
) -> list[EmptyClass]:
    """Return the classes of `images` whose folders are empty, or whose outcomes are all skipped.

    Args:
        outcomes: the known outcomes; without any, only classes with empty folders are returned.
        images: the data.
        labels: see `summarise`.
    """
    folders: dict[int, list[str]] = {}
    for name, index in images.empty_folders.items():
        if index is not None and index not in images.populated:
            folders.setdefault(index, []).append(name)
    read = {images.labels[o.index] for o in outcomes if o.skipped is None}
    unread = Counter(images.labels[o.index] for o in outcomes if o.skipped is not None)
    return [
        EmptyClass(_name(labels, index), index, tuple(folders.get(index, ())), unread[index])
        for index in sorted(folders.keys() | (unread.keys() - read))
    ]


def _absent_classes(images: ImageSet, labels: Sequence[str], classes: int | None) -> FirstFew:
    known = images.populated | set(images.empty_folders.values())
    total = len(labels) if classes is None else classes
    return FirstFew.of([_name(labels, index) for index in range(total) if index not in known])


def _per_class(truth: np.ndarray, ranks: np.ndarray, labels: Sequence[str]) -> list[ClassAccuracy]:
    rows = []
    for index in np.unique(truth):
        own = ranks[truth == index]
        rows.append(
            ClassAccuracy(
                label=_name(labels, index),
                index=int(index),
                images=len(own),
                top1=float(np.mean(own < 1)),
                top5=float(np.mean(own < 5)),
            )
        )
    return rows


def _worst(per_class: Sequence[ClassAccuracy]) -> list[ClassAccuracy]:
    with_errors = [row for row in per_class if row.top1 < 1]
    with_errors.sort(key=lambda row: (row.top1, -row.images, row.index))
    return with_errors[:WORST_CLASSES]


def _confusion(
    row: ClassAccuracy, truth: np.ndarray, predicted: np.ndarray, labels: Sequence[str]
) -> Confusion:
    wrong = predicted[(truth == row.index) & (predicted != row.index)]
    classes, counts = np.unique(wrong, return_counts=True)
    order = np.lexsort((classes, -counts))[:MISTAKES]
    return Confusion(
        label=row.label,
        index=row.index,
        images=row.images,
        top1=row.top1,
        mistaken_for=[
            Mistake(_name(labels, classes[i]), int(classes[i]), int(counts[i])) for i in order
        ],
    )


def _name(labels: Sequence[str], index: int) -> str:
    return labels[index] if index < len(labels) else str(index)

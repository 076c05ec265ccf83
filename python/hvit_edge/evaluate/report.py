"""What an evaluation reports: accuracy, the table of classes, the worst confusions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

import numpy as np

from hvit_edge.datasets import FirstFew, ImageSet, Skipped
from hvit_edge.errors import InputError
from hvit_edge.images.file_names import printable

WORST_CLASSES = 5
MISTAKES = 3


@dataclass(frozen=True)
class Outcome:
    """What became of one image.

    Attributes:
        index: its position in the data, from 0.
        rank: how many classes the runtime puts before the true one; None where skipped.
        predicted: the runtime's first class; None where skipped.
        eager_rank, eager_predicted: the same of the eager model; None without one.
        skipped: why the image could not be read; None where it could.
    """

    index: int
    rank: int | None = None
    predicted: int | None = None
    eager_rank: int | None = None
    eager_predicted: int | None = None
    skipped: str | None = None


@dataclass(frozen=True)
class ClassAccuracy:
    """One class: its name, how many images, and the shares (0 to 1) found."""

    label: str
    index: int
    images: int
    top1: float
    top5: float


@dataclass(frozen=True)
class Mistake:
    """A class that was answered in place of the true one, and on how many images."""

    label: str
    index: int
    images: int


@dataclass(frozen=True)
class Confusion:
    """A class that is often missed.

    Attributes:
        label, index: the class.
        images: how many images it has.
        top1: share of them (0 to 1) that were found; less than 1.
        mistaken_for: the three classes most often answered instead, the most frequent first;
            equally frequent ones by index.
    """

    label: str
    index: int
    images: int
    top1: float
    mistaken_for: list[Mistake]


@dataclass(frozen=True)
class EmptyClass:
    """A class that the data should have, and of which no image was classified.

    Attributes:
        label, index: the class.
        folders: its folders, if they are empty.
        unreadable: how many images could not be read; 0 if there are none.
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
    """What `evaluate` measured; shares are from 0 to 1.

    Attributes:
        top1, top5: share of images whose class is the first, is among the first five.
        images: how many were read and classified.
        skipped: the unreadable ones, with the reason.
        per_class: one row for every class that has images.
        confusion: the five classes of the lowest top-1 among those with errors, the worst first;
            at equal top-1 the one with more images, then the lower index.
        eager_top1: top-1 of the eager model; None where none was given.
        agreement: share of images on which both give the same first class; None likewise.
        backend: what ran the program.
        ignored: files that are not named like images, or are in no class folder.
        empty_classes: those of class folders without an image that could be read.
        absent_classes: the network's classes of which the data knows nothing.
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

    def to_dict(self) -> dict:
        """The report in plain lists, dicts, strings and numbers."""
        return asdict(self)


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
        labels: the network's class names in order; classes beyond them go by their number.
        artifact, data: the names that the report gives to them.
        against_eager: the outcomes carry the eager model's answers.
        backend: what ran the program.
        classes: how many the network has; None takes as many as there are labels.

    Raises:
        InputError: not a single image could be read.
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
        **eager,
    )


def empty_classes(
    outcomes: Sequence[Outcome], images: ImageSet, labels: Sequence[str]
) -> list[EmptyClass]:
    """Return the classes of `images` whose folders are empty, or whose outcomes are all skipped.

    Args:
        outcomes: those that are known; none leaves the empty folders.
        labels: as for `summarise`.
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

"""Images read one at a time, and what is to be known of those that are not among them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from hvit_edge.errors import InputError
from hvit_edge.images.file_names import printable

NAMED = 10  # of a list that may be long, how many are named


@dataclass(frozen=True)
class Sample:
    """One image: where it came from, its pixels (uint8 RGB [height, width, 3]), its class."""

    name: str
    image: np.ndarray
    label: int | None


@dataclass(frozen=True)
class Skipped:
    """An image that could not be read, and why."""

    name: str
    reason: str


@dataclass(frozen=True)
class FirstFew:
    """How many there are of a kind, and the names of the first ten."""

    count: int = 0
    names: tuple[str, ...] = ()

    @classmethod
    def of(cls, names: Sequence[str]) -> FirstFew:
        """Count `names`, and keep the first of them."""
        return cls(len(names), tuple(names[:NAMED]))

    def __str__(self) -> str:
        more = self.count - len(self.names)
        return ", ".join(map(printable, self.names)) + (f" and {more} more" if more else "")


@dataclass
class ImageSet:
    """Images read one at a time, in a fixed order.

    Iterating yields a `Sample` for every readable image; the unreadable ones are gathered in
    `skipped`, which starts anew with every iteration.

    Attributes:
        ignored: files of a folder that are not named like images, or are in no class folder.
        empty_folders: the subfolders without an image, and the class of each; None without labels.
        populated: the classes that have images, also where `take` has left them out; None takes
            those of `labels`.

    Raises (while iterating):
        InputError: not a single image could be read.
    """

    source: str
    names: list[str]
    labels: list[int] | None
    read: Callable[[int], np.ndarray]
    skipped: list[Skipped] = field(default_factory=list)
    ignored: FirstFew = FirstFew()
    empty_folders: dict[str, int | None] = field(default_factory=dict)
    populated: frozenset[int] | None = None

    def __post_init__(self) -> None:
        if self.populated is None:
            self.populated = frozenset(self.labels or ())

    def __len__(self) -> int:
        return len(self.names)

    def __iter__(self) -> Iterator[Sample]:
        self.skipped = []
        for index, name in enumerate(self.names):
            try:
                image = self.read(index)
            except InputError as error:
                self.skipped.append(Skipped(name, str(error)))
                continue
            yield Sample(name, image, None if self.labels is None else self.labels[index])
        if len(self.skipped) == len(self.names):
            raise InputError(
                f"[datasets] {printable(self.source)}: expected readable images, got"
                f" {len(self.skipped)} unreadable ones, the first: {self.skipped[0].reason}"
            )

    def take(self, limit: int | None) -> ImageSet:
        """At most `limit` images, spread evenly, so that a sorted folder keeps its classes."""
        if limit is None or limit >= len(self):
            return self
        if limit < 1:
            raise InputError(f"[datasets] limit: expected at least 1 image, got {limit}")
        chosen = [i * len(self) // limit for i in range(limit)]
        return replace(
            self,
            names=[self.names[i] for i in chosen],
            labels=None if self.labels is None else [self.labels[i] for i in chosen],
            read=lambda index: self.read(chosen[index]),
            skipped=[],
        )

    def checked(self, check: Callable[[np.ndarray], None]) -> ImageSet:
        """Return the same images, of which those that `check` refuses cannot be read.

        Args:
            check: raises InputError, such as `Preprocess.check_photo`.
        """

        def read(index: int) -> np.ndarray:
            image = self.read(index)
            check(image)
            return image

        return replace(self, read=read, skipped=[])

    def notices(self, where: str) -> list[str]:
        """Return `[where] source: ...` for what iterating has skipped, and for every remark."""
        found = self.remarks()
        if self.skipped:
            names = FirstFew.of([item.name for item in self.skipped])
            found.insert(0, f"skipped {names.count} unreadable: {names}")
        return [f"[{where}] {printable(self.source)}: {remark}" for remark in found]

    def remarks(self) -> list[str]:
        """Return what else is to be known of the data, one sentence each: what is no image."""
        found = []
        if self.ignored.count:
            found.append(
                f"ignored {counted(self.ignored.count, 'file')} not named like an image, or in no"
                f" class folder: {self.ignored}"
            )
        if self.empty_folders:
            empty = FirstFew.of(list(self.empty_folders))
            found.append(f"found no image in {counted(empty.count, 'folder')}: {empty}")
        return found


def counted(count: int, what: str) -> str:
    """Return `1 file`, `2 files`."""
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def check_range(source: Path, labels: np.ndarray, classes: int) -> None:
    """Raise InputError unless all labels are from 0 to `classes` - 1."""
    outside = np.flatnonzero((labels < 0) | (labels >= classes))
    if len(outside):
        first = int(outside[0])
        raise InputError(
            f"[datasets] {printable(source)}: expected labels from 0 to {classes - 1}, got"
            f" {len(outside)} outside, the first {int(labels[first])} at position {first};"
            " take the data set that the network was trained for"
        )

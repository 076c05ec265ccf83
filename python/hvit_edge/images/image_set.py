"""Iterate over images, and collect what was skipped."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from hvit_edge.errors import InputError
from hvit_edge.images.file_names import printable

NAMED = 10  # number of names that are kept of a long list


@dataclass(frozen=True)
class Sample:
    """Holds an image: its name, its pixels (uint8 RGB [height, width, 3]) and its class or None."""

    name: str
    image: np.ndarray
    label: int | None


@dataclass(frozen=True)
class Skipped:
    """Holds the name of an image that could not be read, and the reason."""

    name: str
    reason: str


@dataclass(frozen=True)
class FirstFew:
    """Holds the number of items in a list, and the names of the first ten."""

    count: int = 0
    names: tuple[str, ...] = ()

    @classmethod
    def of(cls, names: Sequence[str]) -> FirstFew:
        """Count `names`, and keep the first `NAMED`."""
        return cls(len(names), tuple(names[:NAMED]))

    def __str__(self) -> str:
        more = self.count - len(self.names)
        return ", ".join(map(printable, self.names)) + (f" and {more} more" if more else "")


@dataclass
class ImageSet:
    """Reads images one at a time, in a fixed order.

    Iteration yields a `Sample` for every readable image. Unreadable images are collected in
    `skipped`, which is cleared at the start of every iteration.

    Attributes:
        source: path of the data.
        names: names of the images.
        labels: class of each image, or None.
        read: returns the image at a position, uint8 RGB [height, width, 3], or raises InputError.
        skipped: the unreadable images of the last iteration.
        ignored: files of a folder that are not named like images, or are in no class folder.
        empty_folders: the subfolders without an image, and the class of each; the class is None
            without labels.
        populated: the classes that have images, even if `take` has dropped them; None for the
            classes in `labels`.

    Raises (while iterating):
        InputError: no image could be read.
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
        """Return at most `limit` images, spread evenly, so that a sorted folder keeps its classes.

        Raises:
            InputError: `limit` is below 1.
        """
        chosen = spread(len(self), limit)
        return self if len(chosen) == len(self) else self.select(chosen)

    def select(self, chosen: Sequence[int]) -> ImageSet:
        """Return the images at the positions `chosen`; `populated` stays that of all images."""
        return replace(
            self,
            names=[self.names[i] for i in chosen],
            labels=None if self.labels is None else [self.labels[i] for i in chosen],
            read=lambda index: self.read(chosen[index]),
            skipped=[],
        )

    def checked(self, check: Callable[[np.ndarray], None]) -> ImageSet:
        """Return the same images, where images that `check` refuses count as unreadable.

        Args:
            check: raises InputError for an image that it refuses, see `Preprocess.check_photo`.
        """

        def read(index: int) -> np.ndarray:
            image = self.read(index)
            check(image)
            return image

        return replace(self, read=read, skipped=[])

    def notices(self, where: str) -> list[str]:
        """Return messages `[where] source: ...` on skipped images, and for every remark."""
        found = self.remarks()
        if self.skipped:
            names = FirstFew.of([item.name for item in self.skipped])
            found.insert(0, f"skipped {names.count} unreadable: {names}")
        return [f"[{where}] {printable(self.source)}: {remark}" for remark in found]

    def remarks(self) -> list[str]:
        """Return sentences on ignored files and empty folders."""
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


def spread(count: int, limit: int | None) -> Sequence[int]:
    """Return at most `limit` positions of `count`, spread evenly; all of them for None.

    Raises:
        InputError: `limit` is below 1.
    """
    if limit is None or limit >= count:
        return range(count)
    if limit < 1:
        raise InputError(f"[datasets] limit: expected at least 1 image, got {limit}")
    return [i * count // limit for i in range(limit)]


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
            " use data with the classes of the network"
        )

"""Measure masks of classes against true ones: intersection over union, as Pascal VOC defines it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hvit_edge.annotations.label_map import IGNORED
from hvit_edge.errors import InputError


@dataclass(frozen=True)
class ClassOverlap:
    """Holds the overlap of one class over all masks.

    Attributes:
        index: the class.
        iou: pixels of the class in both masks, divided by its pixels in at least one; 0 to 1.
        pixels: its pixels in the true masks.
        found: its pixels in the masks that are measured.
    """

    index: int
    iou: float
    pixels: int
    found: int


class MaskOverlap:
    """Counts the pixels of each true and found class, mask by mask.

    Attributes:
        counts: int64 [classes, classes]; `counts[t, f]` is the number of pixels of the true class
            `t` that were found to be `f`.

    Args:
        classes: number of classes.
        ignored: value of true pixels that count nowhere; None if there is none.
    """

    def __init__(self, classes: int, ignored: int | None = IGNORED) -> None:
        self.counts: np.ndarray = np.zeros((classes, classes), np.int64)
        self._ignored = ignored

    def add(self, truth: np.ndarray, found: np.ndarray) -> None:
        """Count the pixels of one mask.

        Args:
            truth, found: masks of integers, both [height, width].

        Raises:
            InputError: the shapes differ, or a value is not a class.
        """
        self.counts += count_pairs(truth, found, len(self.counts), self._ignored)

    def per_class(self) -> tuple[ClassOverlap, ...]:
        """Return the classes with pixels in any mask, true or found; the others are left out."""
        true, found = self.counts.sum(1), self.counts.sum(0)
        both = np.diagonal(self.counts)
        either = true + found - both
        return tuple(
            ClassOverlap(i, float(both[i] / either[i]), int(true[i]), int(found[i]))
            for i in np.flatnonzero(either).tolist()
        )

    def mean_iou(self) -> float:
        """Return the mean over the classes of `per_class`.

        It is 1 if no pixel was counted: nothing is then different.
        """
        return float(np.mean([row.iou for row in self.per_class()] or [1.0]))

    def equal_share(self) -> float:
        """Return the share of counted pixels with the true class, 0 to 1; 1 if there are none."""
        whole = self.counts.sum()
        return float(np.trace(self.counts) / whole) if whole else 1.0


def count_pairs(
    truth: np.ndarray, found: np.ndarray, classes: int, ignored: int | None = IGNORED
) -> np.ndarray:
    """Return the pixels of one mask by true and found class, int64 [classes, classes].

    Raises:
        InputError: see `MaskOverlap.add`.
    """
    if truth.shape != found.shape:
        raise InputError(
            f"[mask_overlap] expected two masks of one shape, got {list(truth.shape)} and"
            f" {list(found.shape)}; use a label map of the size of its photo"
        )
    counted = np.full(truth.shape, True) if ignored is None else truth != ignored
    true, other = truth[counted].astype(np.int64), found[counted].astype(np.int64)
    for name, values in (("true", true), ("found", other)):
        outside = np.unique(values[(values < 0) | (values >= classes)])
        if len(outside):
            raise InputError(
                f"[mask_overlap] {name} mask: expected classes from 0 to {classes - 1}, got"
                f" {', '.join(map(str, outside[:5].tolist()))}; use masks with the classes of the"
                " network"
            )
    pairs = np.bincount(true * classes + other, minlength=classes * classes)
    return pairs.reshape(classes, classes)


def mask_agreement(expected: np.ndarray, found: np.ndarray) -> float:
    """Return the mean overlap of two masks over the classes that either has, 0 to 1.

    Args:
        expected, found: masks of integers, both [height, width].

    Raises:
        InputError: the shapes differ.
    """
    classes = 1 + max(int(mask.max(initial=0)) for mask in (expected, found))
    overlap = MaskOverlap(classes, ignored=None)
    overlap.add(expected, found)
    return overlap.mean_iou()

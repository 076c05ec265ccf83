"""Compare two lists of boxes: their overlaps, and which box is which."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

SAME = 0.99
"""Overlap from which two boxes of one class count as the same box."""


class Box(Protocol):
    """Describes a box that was found: its class, its score, and its place in pixels."""

    @property
    def index(self) -> int: ...
    @property
    def score(self) -> float: ...
    @property
    def x(self) -> float: ...
    @property
    def y(self) -> float: ...
    @property
    def width(self) -> float: ...
    @property
    def height(self) -> float: ...


@dataclass(frozen=True)
class BoxAgreement:
    """Compares the boxes that were found with the expected ones.

    Attributes:
        expected, found: number of boxes on each side.
        matched: number of pairs of one class that overlap by at least `SAME`.
        worst_iou: the lowest overlap of an expected box with the box it is paired with; 0 if one is
            without a pair of its class, and 1 if no box is expected.
        worst_score: the largest difference of the scores of a matched pair; 0 without pairs.
    """

    expected: int
    found: int
    matched: int
    worst_iou: float
    worst_score: float

    @property
    def share(self) -> float:
        """Return the share of boxes with a match, of the longer list; 1 if both are empty."""
        return self.matched / max(self.expected, self.found, 1) if self.expected + self.found else 1


def overlaps(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Return the intersection over union of every pair of boxes, float64 [N, M].

    Args:
        left, right: x, y, width and height, [N, 4] and [M, 4]. Two empty boxes overlap by 0.
    """
    a, b = np.asarray(left, np.float64)[:, None], np.asarray(right, np.float64)[None]
    sides = np.minimum(a[..., :2] + a[..., 2:], b[..., :2] + b[..., 2:])
    sides = np.maximum(sides - np.maximum(a[..., :2], b[..., :2]), 0)
    both = sides.prod(-1)
    either = a[..., 2:].prod(-1) + b[..., 2:].prod(-1) - both
    return np.divide(both, either, out=np.zeros_like(both), where=either > 0)


def match_boxes(expected: Iterable[Box], found: Iterable[Box], same: float = SAME) -> BoxAgreement:
    """Pair the boxes of each class, the pair with the largest overlap first.

    Args:
        expected, found: the boxes; their order has no influence, except among equal overlaps.
        same: overlap from which a pair counts as matched.
    """
    wanted, others = list(expected), list(found)
    shared = overlaps(_places(wanted), _places(others))
    classes = [np.array([box.index for box in boxes], int) for boxes in (wanted, others)]
    shared[classes[0][:, None] != classes[1][None]] = -1
    best, apart = np.zeros(len(wanted)), [0.0]
    for place in np.argsort(-shared, axis=None, kind="stable"):
        row, column = np.unravel_index(place, shared.shape)
        overlap = shared[row, column]
        if overlap < 0:
            continue
        best[row] = overlap
        if overlap >= same:
            apart.append(abs(wanted[row].score - others[column].score))
        shared[row], shared[:, column] = -1, -1
    return BoxAgreement(
        expected=len(wanted),
        found=len(others),
        matched=len(apart) - 1,
        worst_iou=float(best.min(initial=1.0)),
        worst_score=float(max(apart)),
    )


def _places(boxes: list[Box]) -> np.ndarray:
    return np.array([(b.x, b.y, b.width, b.height) for b in boxes], np.float64).reshape(-1, 4)

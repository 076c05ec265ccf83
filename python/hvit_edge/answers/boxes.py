"""Compute boxes in a photo from the outputs of an SSD network."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice

import numpy as np

from hvit_edge.answers.masks import check_finite
from hvit_edge.answers.placement import Placement
from hvit_edge.tasks import Detect


@dataclass(frozen=True)
class FoundBox:
    """Holds an object: class (from 1), softmax probability, and box in pixels of the photo."""

    index: int
    score: float
    x: float
    y: float
    width: float
    height: float


def boxes_of(
    logits: np.ndarray, offsets: np.ndarray, detect: Detect, placement: Placement
) -> list[FoundBox]:
    """Decode and choose boxes as `tasks.Detect` describes, in float64.

    For each class, the `candidates` best boxes above the score are taken in the order of their
    scores, and each is dropped that overlaps a kept one of its class by more than the threshold.
    Boxes are clipped to the photo, and those outside of it are left out. Of the boxes of all
    classes that are left, the `max_detections` best are kept.

    Args:
        logits: floats [1, anchors, classes]; class 0 is the background.
        offsets: floats [1, anchors, 4].
        detect: anchors and thresholds.
        placement: the part of the photo that is the input.

    Returns:
        The boxes, the best first; of equal scores that of the lower class, then of the earlier
        anchor.

    Raises:
        ParityError: an output is NaN or infinity.
    """
    check_finite(logits)
    check_finite(offsets)
    scores = _softmax(np.asarray(logits, np.float64)[0])
    corners = _corners(np.asarray(offsets, np.float64)[0], detect)
    found: list[tuple[float, int, int]] = []
    for index in range(1, scores.shape[1]):
        candidates = np.flatnonzero(scores[:, index] > detect.score_threshold)
        best = np.argsort(-scores[candidates, index], kind="stable")[: detect.candidates]
        kept = keep_apart(corners, candidates[best], detect.iou_threshold)
        found += [(-float(scores[anchor, index]), index, anchor) for anchor in kept]
    placed = (
        _placed(corners[anchor], index, -score, placement) for score, index, anchor in sorted(found)
    )
    return list(islice((box for box in placed if box is not None), detect.max_detections))


def keep_apart(corners: np.ndarray, order: Iterable[int], threshold: float) -> list[int]:
    """Return the boxes of `order` without those that overlap an earlier kept one too much.

    Args:
        corners: float64 [N, 4]: left, top, right, bottom.
        order: positions, the best first.
        threshold: largest intersection over union of two kept boxes.
    """
    left = np.fromiter(order, int)
    kept: list[int] = []
    while len(left):
        first, left = left[0], left[1:]
        kept.append(int(first))
        left = left[_overlap(corners[first], corners[left]) <= threshold]
    return kept


def _softmax(logits: np.ndarray) -> np.ndarray:
    exponents = np.exp(logits - logits.max(1, keepdims=True))
    return exponents / exponents.sum(1, keepdims=True)


def _corners(offsets: np.ndarray, detect: Detect) -> np.ndarray:
    """Return left, top, right and bottom of each anchor's box in parts of the input."""
    anchors: np.ndarray = detect.anchors.astype(np.float64)
    for_center, for_size = detect.variances
    center = anchors[:, :2] + offsets[:, :2] * for_center * anchors[:, 2:]
    with np.errstate(over="ignore"):  # an infinite box is clipped like a large one
        half = anchors[:, 2:] * np.exp(offsets[:, 2:] * for_size) / 2
    return np.concatenate([center - half, center + half], 1)


def _overlap(one: np.ndarray, others: np.ndarray) -> np.ndarray:
    sides = np.minimum(one[2:], others[:, 2:]) - np.maximum(one[:2], others[:, :2])
    both = np.maximum(sides, 0).prod(1)
    sizes = (others[:, 2:] - others[:, :2]).prod(1)
    either = (one[2:] - one[:2]).prod() + sizes - both
    return np.divide(both, either, out=np.zeros_like(both), where=either > 0)


def _placed(corners: np.ndarray, index: int, score: float, placement: Placement) -> FoundBox | None:
    """Return a box in pixels, clipped to the photo; None if it is outside."""
    size = np.array([placement.width, placement.height])
    start = np.array([placement.left, placement.top])
    limit = [placement.photo_width, placement.photo_height]
    upper = np.clip(corners[:2] * size + start, 0, limit)
    lower = np.clip(corners[2:] * size + start, 0, limit)
    if (lower <= upper).any():
        return None
    x, y, width, height = map(float, [*upper, *(lower - upper)])
    return FoundBox(index, score, x, y, width, height)

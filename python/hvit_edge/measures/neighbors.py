"""Measure embeddings: how often the nearest neighbors of an image include one of its class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hvit_edge.errors import InputError

BLOCK = 1024
"""Number of images whose similarities are computed together; bounds the memory."""


@dataclass(frozen=True)
class Neighbors:
    """Holds the ranks of the nearest image of the same class.

    Attributes:
        ranks: int64 [images]; how many images of other classes are nearer than the nearest image of
            the same class. It is -1 for an image that is the only one of its class.
        labels: int64 [images], the classes.
        nearest: int64 [images]; position of the nearest other image.
    """

    ranks: np.ndarray
    labels: np.ndarray
    nearest: np.ndarray

    @property
    def queries(self) -> int:
        """Return the number of images with another one of their class."""
        return int((self.ranks >= 0).sum())

    def recall(self, k: int) -> float:
        """Return the share of queries with one of their class among the `k` nearest, 0 to 1."""
        return float(np.mean(self.ranks[self.ranks >= 0] < k))

    def recall_of(self, label: int, k: int) -> float | None:
        """Return the recall of one class; None if it has no queries."""
        own = self.ranks[(self.labels == label) & (self.ranks >= 0)]
        return float(np.mean(own < k)) if len(own) else None


def rank_neighbors(embeddings: np.ndarray, labels: Sequence[int]) -> Neighbors:
    """Rank all images by their cosine to each image, which is not its own neighbor.

    With equal cosines, an image of another class counts as the nearer one, so that equal embeddings
    have no recall by chance.

    Args:
        embeddings: floats [images, size].
        labels: class of each image.

    Raises:
        InputError: the numbers differ, a value is NaN or infinity, or no class has two images.
    """
    vectors, classes = np.asarray(embeddings, np.float64), np.asarray(labels, np.int64)
    _check(vectors, classes)
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit = np.divide(vectors, norms, out=np.zeros_like(vectors), where=norms > 0)
    starts = range(0, len(unit), BLOCK)
    found = [_rank(unit, classes, np.arange(s, min(s + BLOCK, len(unit)))) for s in starts]
    ranks, nearest = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return Neighbors(ranks, classes, nearest)


def _rank(unit: np.ndarray, labels: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the rank of each row, and the position of the image that is nearest to it."""
    cosines = unit[rows] @ unit.T
    same = labels[rows][:, None] == labels[None]
    same[np.arange(len(rows)), rows] = False
    nearest = np.where(same, cosines, -np.inf).max(1, keepdims=True)
    other = labels[rows][:, None] != labels[None]
    ranks = (other & (cosines >= nearest)).sum(1)
    cosines[np.arange(len(rows)), rows] = -np.inf
    first = cosines >= cosines.max(1, keepdims=True)
    return np.where(same.any(1), ranks, -1), (first * (1 + other)).argmax(1)


def _check(vectors: np.ndarray, labels: np.ndarray) -> None:
    if vectors.ndim != 2 or len(vectors) != len(labels):
        raise InputError(
            f"[neighbors] expected one embedding for each label, got {list(vectors.shape)} and"
            f" {len(labels)} labels; pass [images, size]"
        )
    broken = np.flatnonzero(~np.isfinite(vectors).all(1))
    if len(broken):
        raise InputError(
            f"[neighbors] expected finite embeddings, got NaN or infinity in {len(broken)}, the"
            f" first at position {broken[0]}; run hvit-edge validate to find the step that breaks"
        )
    if np.bincount(labels, minlength=1).max() < 2:
        raise InputError(
            "[neighbors] expected a class with at least two images, got one of each; add images, so"
            " that each can find another of its class"
        )


def cosine(left: np.ndarray, right: np.ndarray) -> float:
    """Return the cosine of the angle between two vectors; 0 if one of them is zero."""
    a, b = (np.asarray(v, np.float64).reshape(-1) for v in (left, right))
    norms = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float(a @ b) / norms if norms else 0.0

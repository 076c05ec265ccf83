"""Compute the class of each pixel of a photo from the logits of a segmentation network."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from hvit_edge.answers.placement import Placement
from hvit_edge.errors import ParityError

BLOCK = 1 << 22
"""Number of interpolated logits that are in memory at a time."""


@dataclass(frozen=True)
class FoundMask:
    """Holds the class of each pixel of a photo.

    Attributes:
        classes: uint8 [height, width]; uint16 for more than 256 classes.
        confidence: softmax probability of that class, float32 [height, width]; None unless asked
            for.
    """

    classes: np.ndarray
    confidence: np.ndarray | None = None


def mask_of(logits: np.ndarray, placement: Placement, *, confidence: bool = False) -> FoundMask:
    """Interpolate logits bilinearly to the photo, and take the largest; of equal ones the first.

    Pixel centers are mapped to each other, as `align_corners=False` does in PyTorch. Pixels that
    the preprocessing crops away have class 0, the background, and confidence 0.

    Args:
        logits: floats [1, classes, height, width].
        placement: the part of the photo that the logits are for.
        confidence: also compute the softmax.

    Raises:
        ParityError: a logit is NaN or infinity.
    """
    check_finite(logits)
    maps = np.asarray(logits, np.float64)[0]
    height, width = placement.photo_height, placement.photo_width
    classes: np.ndarray = np.zeros((height, width), np.uint8 if len(maps) <= 256 else np.uint16)
    sure: np.ndarray | None = np.zeros((height, width), np.float32) if confidence else None
    columns, rows = placement.columns(), placement.rows()
    across = np.flatnonzero((columns >= 0) & (columns < 1))
    maps = _interpolate(maps, columns[across])
    down = np.flatnonzero((rows >= 0) & (rows < 1))
    for part in _blocks(down, max(1, BLOCK // maps[:, 0].size)):
        values = _interpolate(maps.swapaxes(1, 2), rows[part]).swapaxes(1, 2)
        classes[part[:, None], across] = values.argmax(0)
        if sure is not None:
            exponents = np.exp(values - values.max(0))
            sure[part[:, None], across] = 1 / exponents.sum(0)
    return FoundMask(classes, sure)


def check_finite(output: np.ndarray) -> None:
    """Raise ParityError if an output has NaN or infinity."""
    if not np.isfinite(output).all():
        raise ParityError(
            "[answers] expected finite outputs, got NaN or infinity; run hvit-edge validate to find"
            " the step that breaks"
        )


def _interpolate(maps: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Return the last axis of `maps` at `places`, given in parts of its length."""
    last = maps.shape[-1] - 1
    places = np.clip(places * maps.shape[-1] - 0.5, 0, last)
    before = np.floor(places).astype(int)
    share = places - before
    return maps[..., before] * (1 - share) + maps[..., np.minimum(before + 1, last)] * share


def _blocks(rows: np.ndarray, count: int) -> Iterator[np.ndarray]:
    yield from (rows[start : start + count] for start in range(0, len(rows), count))

"""Compare a Preprocess with the transform of a library on photos."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from hvit_edge.errors import InputError
from hvit_edge.preprocess import Preprocess, load_image
from hvit_edge.weights import bundled_photos

Transform = Callable[[np.ndarray], np.ndarray]
"""Maps a photo, uint8 [height, width, 3] in RGB, to float32 [3, height, width]."""
SAME = 1e-5
"""Larger differences are not rounding; one step of a byte is at least 1/255."""


def probes() -> list[np.ndarray]:
    """Return two photos, one wide and one tall, uint8 [height, width, 3]."""
    photo = load_image(sorted(bundled_photos())[0])
    height, width = photo.shape[:2]
    wide = photo[: height * 2 // 3, : width - 1]
    return [np.ascontiguousarray(wide), np.ascontiguousarray(wide.transpose(1, 0, 2))]


def matching(candidates: Iterable[Preprocess], transform: Transform) -> Preprocess | None:
    """Return the first candidate with the same pixels as a library's transform, or None."""
    photos = probes()
    wanted = [transform(photo) for photo in photos]
    for candidate in candidates:
        if all(_same(candidate, *pair) for pair in zip(photos, wanted, strict=True)):
            return candidate
    return None


def _same(candidate: Preprocess, photo: np.ndarray, wanted: np.ndarray) -> bool:
    found = candidate(photo)[0]
    return found.shape == wanted.shape and bool(np.abs(found - wanted).max() <= SAME)


def refuse(library: str, described: str, where: str) -> InputError:
    """Return the error for a preprocessing that Preprocess cannot express."""
    return InputError(
        f"[{where}] preprocessing: expected a resize and a center crop that Preprocess has, got"
        f" {library}'s {described}; give another with --preprocess FILE or imagenet (preprocess=)"
    )

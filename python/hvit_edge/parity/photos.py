"""The photos that artifacts are validated on."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from hvit_edge.datasets import Skipped, open_images
from hvit_edge.preprocess import load_image
from hvit_edge.weights import bundled_photos

Photos = list[tuple[str, np.ndarray]]
"""Names and pixels, uint8 [height, width, 3]."""


def open_photos(data: str | Path | None) -> tuple[Photos, tuple[Skipped, ...]]:
    """The photos to validate on, and those that could not be read; None takes the bundled ones.

    Raises:
        InputError: no photos.
    """
    if data is None:
        return [(path.name, load_image(path)) for path in bundled_photos()], ()
    images = open_images(data)
    photos = [(sample.name, sample.image) for sample in images]
    return photos, tuple(images.skipped)

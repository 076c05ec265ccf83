"""Read the photos on which artifacts are validated."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from hvit_edge.datasets import Skipped, open_images
from hvit_edge.preprocess import Preprocess, load_image
from hvit_edge.weights import bundled_photos

Photos = list[tuple[str, np.ndarray]]
"""List of names and pixels, uint8 [height, width, 3]."""


def open_photos(
    data: str | Path | None, preprocess: Preprocess
) -> tuple[Photos, tuple[Skipped, ...]]:
    """Return the photos for a validation, and what was skipped.

    Args:
        data: folder or NPZ file; None for the bundled photos.
        preprocess: preprocessing of the artifact; photos that it refuses are skipped.

    Returns:
        The photos; and the unreadable ones, followed by an entry for files that are not named like
        images, and one for subfolders without an image.

    Raises:
        InputError: there are no photos.
    """
    if data is None:
        return [(path.name, load_image(path)) for path in bundled_photos()], ()
    images = open_images(data).checked(preprocess.check_photo)
    photos = [(sample.name, sample.image) for sample in images]
    others = [Skipped(str(data), f"[datasets] {remark}") for remark in images.remarks()]
    return photos, (*images.skipped, *others)

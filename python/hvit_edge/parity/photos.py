"""The photos that artifacts are validated on."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from hvit_edge.datasets import Skipped, open_images
from hvit_edge.preprocess import Preprocess, load_image
from hvit_edge.weights import bundled_photos

Photos = list[tuple[str, np.ndarray]]
"""Names and pixels, uint8 [height, width, 3]."""


def open_photos(
    data: str | Path | None, preprocess: Preprocess
) -> tuple[Photos, tuple[Skipped, ...]]:
    """The photos to validate on, and what else there is; None takes the bundled ones.

    Args:
        preprocess: the artifact's own; photos that it refuses are skipped.

    Returns:
        The photos; and those that could not be read, followed by an entry for the files that are
        not named like images, and one for the subfolders without an image.

    Raises:
        InputError: no photos.
    """
    if data is None:
        return [(path.name, load_image(path)) for path in bundled_photos()], ()
    images = open_images(data).checked(preprocess.check_photo)
    photos = [(sample.name, sample.image) for sample in images]
    others = [Skipped(str(data), f"[datasets] {remark}") for remark in images.remarks()]
    return photos, (*images.skipped, *others)

"""C++ preprocessing of 60 photos against Pillow's own resize, as a user would call it."""

import itertools

import numpy as np
import pytest
from PIL import Image

from hvit_edge.preprocess import RESAMPLING, Preprocess, load_image
from hvit_edge.weights.bundled import bundled_photos

LEVELS = 1  # the largest difference from Pillow that users accept, in gray levels of 255
SIZES = (64, 224, 256)
CUTS = 15  # windows cropped from each of the four bundled photos, of every aspect


def photos() -> list[np.ndarray]:
    """Return 60 windows of the bundled photos, from 40 to 512 pixels per side."""
    rng = np.random.default_rng(0)
    windows = []
    for photo, _ in itertools.product(map(load_image, bundled_photos()), range(CUTS)):
        height, width = (int(rng.integers(40, side + 1)) for side in photo.shape[:2])
        top = int(rng.integers(photo.shape[0] - height + 1))
        left = int(rng.integers(photo.shape[1] - width + 1))
        windows.append(np.ascontiguousarray(photo[top : top + height, left : left + width]))
    return windows


def pillow(photo: np.ndarray, size: int, filter_: str) -> np.ndarray:
    """Scale the shorter side to `size` * 8 / 7 and crop the center, with Pillow alone."""
    image = Image.fromarray(photo)
    short = size * 8 // 7
    long = int(short * max(image.size) / min(image.size))
    shape = (short, long) if image.width <= image.height else (long, short)
    left, top = (round((side - size) / 2) for side in shape)
    return np.asarray(
        image.resize(shape, RESAMPLING[filter_]).crop((left, top, left + size, top + size))
    )


@pytest.mark.parametrize("filter_", RESAMPLING)
def test_within_a_grey_level_of_pillow(native, filter_, record_property):
    largest, total, count = 0, 0, 0
    subjects = photos()
    assert len(subjects) == 60
    for size in SIZES:
        resize = native(Preprocess((size, size), "shortest", size * 8 // 7, filter_))
        for photo in subjects:
            expected = pillow(photo, size, filter_).astype(int)
            difference = np.abs(resize.resize_and_crop(photo) - expected)
            largest = max(largest, int(difference.max()))
            total, count = total + int(difference.sum()), count + difference.size
    summary = f"largest {largest}, mean {total / count:.5f} grey levels"
    record_property("measured", f"60 photos x {SIZES}, {filter_}, from Pillow: {summary}")
    assert largest <= LEVELS

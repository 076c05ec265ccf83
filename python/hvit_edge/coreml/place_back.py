"""Map what a package found in its input back to the pixels of a photo, through resize and crop.

The C++ runtime does the same for the outputs of a `.pte`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hvit_edge.preprocess import Preprocess

BACKGROUND = 0
ROWS = 64
"""Rows of a photo whose logits are in memory at a time."""


@dataclass(frozen=True)
class Side:
    """Places one side of the input on the same side of a photo.

    Attributes:
        photo: length of the side of the photo, in pixels.
        scale: pixels of the resized photo for each pixel of the photo.
        start: first pixel of the resized photo that the input has.
        length: length of the side of the input.
    """

    photo: int
    scale: float
    start: int
    length: int

    def weights(self, cells: int) -> tuple[np.ndarray, np.ndarray]:
        """Return how the pixels of the photo interpolate between the centers of cells.

        Args:
            cells: number of cells along the side of the input.

        Returns:
            float64 [photo, cells], with one or two numbers in each row whose sum is 1, and bool
            [photo]: True if the input has the pixel.
        """
        place = (np.arange(self.photo) + 0.5) * self.scale - self.start
        inside = (place >= 0) & (place < self.length)
        spot = np.clip(place * cells / self.length - 0.5, 0, cells - 1)
        low = np.minimum(np.floor(spot).astype(int), max(cells - 2, 0))
        matrix, rows = np.zeros((self.photo, cells)), np.arange(self.photo)
        np.add.at(matrix, (rows, low), 1 - (spot - low))
        np.add.at(matrix, (rows, np.minimum(low + 1, cells - 1)), spot - low)
        return matrix, inside

    def pixels(self, parts: np.ndarray) -> np.ndarray:
        """Return places in the input, from 0 to 1, as pixels of the photo, inside of it."""
        return ((parts * self.length + self.start) / self.scale).clip(0, self.photo)


def sides(preprocess: Preprocess, height: int, width: int) -> tuple[Side, Side]:
    """Return the vertical and the horizontal side of a photo."""
    resized = preprocess.resized_size(height, width)
    corner = preprocess.corner(*resized)
    vertical, horizontal = (
        Side(photo, new / photo, start, length)
        for photo, new, start, length in zip(
            (height, width), resized, corner, preprocess.input_size, strict=True
        )
    )
    return vertical, horizontal


def place_mask(
    logits: np.ndarray, preprocess: Preprocess, height: int, width: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the most probable class of each pixel of a photo, and its softmax probability.

    Pixels that the crop removes have the class 0 and the probability 0.

    Args:
        logits: float32 [1, C, h, w], the output of the program.
        preprocess: how the photo became the input.
        height, width: size of the photo.

    Returns:
        uint8 (uint16 of more than 256 classes) and float32, both [height, width].
    """
    _, count, rows, columns = logits.shape
    vertical, horizontal = sides(preprocess, height, width)
    (down, inside_y), (across, inside_x) = vertical.weights(rows), horizontal.weights(columns)
    classes = np.zeros((height, width), np.uint8 if count <= 256 else np.uint16)
    confidence = np.zeros((height, width), np.float32)
    for top in range(0, height, ROWS):
        part = slice(top, top + ROWS)
        wide = down[part] @ (logits[0].astype(np.float64) @ across.T)
        classes[part] = wide.argmax(axis=0)
        confidence[part] = 1 / np.exp(wide - wide.max(axis=0)).sum(axis=0)
    outside = ~(inside_y[:, None] & inside_x)
    classes[outside], confidence[outside] = BACKGROUND, 0
    return classes, confidence


def place_boxes(
    coordinates: np.ndarray, preprocess: Preprocess, height: int, width: int
) -> np.ndarray:
    """Return boxes in pixels of a photo, clipped to it.

    Args:
        coordinates: [boxes, 4], center x, center y, width and height in parts of the input.
        preprocess: how the photo became the input.
        height, width: size of the photo.

    Returns:
        float64 [boxes, 4], x, y, width and height; (x, y) is the upper left corner.
    """
    vertical, horizontal = sides(preprocess, height, width)
    boxes = coordinates.astype(np.float64)
    low, high = boxes[:, :2] - boxes[:, 2:] / 2, boxes[:, :2] + boxes[:, 2:] / 2
    left, right = horizontal.pixels(low[:, 0]), horizontal.pixels(high[:, 0])
    upper, lower = vertical.pixels(low[:, 1]), vertical.pixels(high[:, 1])
    return np.stack([left, upper, right - left, lower - upper], axis=1)

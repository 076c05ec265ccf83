"""Compute which part of a photo becomes the input of a network."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hvit_edge.preprocess import Preprocess


@dataclass(frozen=True)
class Placement:
    """Holds the part of a photo that is the input of a network, in pixels of the photo.

    Attributes:
        photo_height, photo_width: size of the upright photo.
        left, top: corner of the part.
        width, height: its size.
    """

    photo_height: int
    photo_width: int
    left: float
    top: float
    width: float
    height: float

    def columns(self) -> np.ndarray:
        """Return the center of each column of the photo in parts of the input, float64."""
        return (np.arange(self.photo_width) + 0.5 - self.left) / self.width

    def rows(self) -> np.ndarray:
        """Return the center of each row of the photo in parts of the input, float64."""
        return (np.arange(self.photo_height) + 0.5 - self.top) / self.height


def placement_of(preprocess: Preprocess, height: int, width: int) -> Placement:
    """Return which part of a photo of `height` x `width` pixels becomes the input."""
    resized_height, resized_width = preprocess.resized_size(height, width)
    top, left = preprocess.corner(resized_height, resized_width)
    across, down = width / resized_width, height / resized_height
    input_height, input_width = preprocess.input_size
    return Placement(
        height, width, left * across, top * down, input_width * across, input_height * down
    )

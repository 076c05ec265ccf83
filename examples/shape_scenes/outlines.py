"""Define the outlines of the shapes, as polygons around (0, 0) that reach from -1 to 1."""

from __future__ import annotations

from math import pi

import numpy as np
from PIL import Image, ImageDraw

SHAPES = ("circle", "triangle", "square", "star", "ring", "cross")
"""Names of the shapes; a scene numbers them from 1, because class 0 is the background."""

HOLE = 0.55  # inner radius of a ring
WAIST = 0.42  # inner radius of a star
ARM = 0.34  # half of the width of an arm of a cross
FINER = 4  # an outline is drawn this many times as large, and averaged


def polygon(shape: str) -> np.ndarray:
    """Return the corners float64 [N, 2] of the outer outline of a shape."""
    if shape in ("circle", "ring"):
        return around(64)
    if shape == "triangle":
        return around(3)
    if shape == "square":
        return around(4, pi / 4)
    if shape == "star":
        return around(10) * np.where(np.arange(10) % 2, WAIST, 1.0)[:, None]
    if shape == "cross":
        quarter = np.array([(ARM, 1.0), (ARM, ARM), (1.0, ARM)])
        turns = [(1, 1), (1, -1), (-1, -1), (-1, 1)]
        return np.concatenate([(quarter[:: 1 if x == y else -1]) * (x, y) for x, y in turns])
    raise ValueError(f"expected one of {', '.join(SHAPES)}, got {shape!r}")


def around(corners: int, turn: float = 0.0) -> np.ndarray:
    """Return `corners` points on the unit circle; the first one is at the top, before the turn."""
    angles = turn - pi / 2 + np.arange(corners) * 2 * pi / corners
    return np.stack([np.cos(angles), np.sin(angles)], axis=1)


def draw_outline(
    shape: str, radius: float, *, angle: float, stretch: float, shift: tuple[float, float]
) -> np.ndarray:
    """Return the share of each pixel that a shape covers.

    Args:
        shape: one of SHAPES.
        radius: radius of the circle around the shape, in pixels.
        angle: the shape is turned by this angle, in radians.
        stretch: before that, its width is multiplied and its height divided by the root of this.
        shift: (x, y) of the center, from the middle of the array, in pixels.

    Returns:
        float32 [side, side] between 0 and 1. Its middle is the origin of `shift`.
    """
    side = 2 * int(np.ceil(radius * max(stretch, 1 / stretch) ** 0.5 + 2))
    canvas = Image.new("L", (FINER * side, FINER * side))
    pen = ImageDraw.Draw(canvas)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    scale = FINER * radius * np.array([stretch**0.5, stretch**-0.5])
    middle = FINER * (side / 2 + np.array(shift)) - 0.5
    for points, fill in rims(shape):
        corners = (points * scale) @ turn + middle
        pen.polygon([tuple(corner) for corner in corners], fill=fill)
    return np.asarray(canvas.reduce(FINER), np.float32) / 255


def rims(shape: str) -> list[tuple[np.ndarray, int]]:
    """Return the polygons to fill one after the other, each with its fill: 255 is the shape."""
    if shape == "ring":
        return [(polygon(shape), 255), (polygon(shape) * HOLE, 0)]
    return [(polygon(shape), 255)]

"""Compose scenes: shapes of several sizes on a part of a photo, with their classes and boxes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from shape_scenes.outlines import SHAPES, draw_outline
from shape_scenes.paint import Random, background, change_colors, texture

TRAINING, HELD_OUT, CALIBRATION = 0, 1, 2
"""Sets of scenes, the first argument of `compose`. No two sets share a scene."""

MOST_SHAPES = 5
EMPTY = 0.06  # share of the scenes without any shape
RADII = (0.11, 0.32)  # of the shorter side
STRETCH = 1.4
VISIBLE = 0.6  # share of each shape that others and the border leave visible
CONTRAST = 60.0  # least distance of a shape's color to the mean color that it covers
ATTEMPTS = 8


@dataclass(frozen=True)
class Scene:
    """Holds a composed photo and what it shows.

    Attributes:
        image: uint8 [height, width, 3].
        classes: uint8 [height, width]: 0 for the background, else 1 + the index in SHAPES.
        labels: int64 [objects]: the class of each shape, from 1.
        boxes: float32 [objects, 4]: left, top, right and bottom of each shape in pixels. Parts
            that other shapes hide count, and parts outside of the image do not.
    """

    image: np.ndarray
    classes: np.ndarray
    labels: np.ndarray
    boxes: np.ndarray


def compose(set_number: int, index: int, height: int, width: int | None = None) -> Scene:
    """Return scene `index` of a set; the same arguments always give the same scene.

    Args:
        set_number: TRAINING, HELD_OUT or CALIBRATION.
        index: number of the scene, from 0.
        height, width: size in pixels; a square without `width`.
    """
    random = np.random.default_rng([set_number, index])
    canvas = Canvas(background(random, height, width or height))
    count = 0 if random.random() < EMPTY else random.integers(1, MOST_SHAPES + 1)
    for _ in range(count):
        for _ in range(ATTEMPTS):
            if canvas.add(random):
                break
    return canvas.scene(random)


class Canvas:
    """Holds a scene while shapes are added to it; later shapes cover earlier ones."""

    def __init__(self, image: np.ndarray) -> None:
        self.image = image.copy()
        self.owners = np.zeros(image.shape[:2], np.int64)  # number of the shape at each pixel
        self.labels: list[int] = []
        self.boxes: list[tuple[int, int, int, int]] = []
        self.areas: list[float] = []

    def add(self, random: Random) -> bool:
        """Add a random shape; return False without a change if it would hide too much."""
        label = int(random.integers(len(SHAPES)))
        height, width = self.owners.shape
        radius = min(height, width) * np.exp(random.uniform(*np.log(RADII)))
        cover = draw_outline(
            SHAPES[label],
            radius,
            angle=random.uniform(0, 2 * np.pi),
            stretch=STRETCH ** random.uniform(-1, 1),
            shift=tuple(random.uniform(0, 1, 2)),
        )
        side = len(cover)
        top = int(random.integers(-side // 4, height - 3 * side // 4))
        left = int(random.integers(-side // 4, width - 3 * side // 4))
        rows, columns = slice(max(top, 0), top + side), slice(max(left, 0), left + side)
        seen = cover[rows.start - top :, columns.start - left :]
        seen = seen[: height - rows.start, : width - columns.start]
        if not self._leaves_others(seen > 0.5, rows, columns, (cover > 0.5).sum()):
            return False
        surface = self._surface(random, side, seen, rows, columns)
        surface = surface[rows.start - top :, columns.start - left :][: len(seen), : seen.shape[1]]
        part = self.image[rows, columns]
        self.image[rows, columns] = part + seen[..., None] * (surface - part)
        self._record(label + 1, seen > 0.5, rows, columns, float((cover > 0.5).sum()))
        return True

    def _leaves_others(self, mask: np.ndarray, rows: slice, columns: slice, area: float) -> bool:
        """Return True if the new shape and all others stay visible enough."""
        if mask.sum() < VISIBLE * area:
            return False
        owners = self.owners.copy()
        owners[rows, columns][mask] = 0
        left = np.bincount(owners.ravel(), minlength=len(self.areas) + 1)[1:]
        return bool(np.all(left >= VISIBLE * np.array(self.areas)))

    def _surface(
        self, random: Random, side: int, seen: np.ndarray, rows: slice, columns: slice
    ) -> np.ndarray:
        """Return a texture float32 [side, side, 3] that differs from what it covers."""
        covered = self.image[rows, columns][seen > 0.5].mean(axis=0)
        color = random.uniform(0, 255, 3)
        while np.linalg.norm(color - covered) < CONTRAST:
            color = random.uniform(0, 255, 3)
        return texture(random, side, color)

    def _record(
        self, label: int, mask: np.ndarray, rows: slice, columns: slice, area: float
    ) -> None:
        self.labels.append(label)
        self.areas.append(area)
        self.owners[rows, columns][mask] = len(self.labels)
        ys, xs = np.nonzero(mask)
        left, top = columns.start, rows.start
        self.boxes.append(
            (left + xs.min(), top + ys.min(), left + xs.max() + 1, top + ys.max() + 1)
        )

    def scene(self, random: Random) -> Scene:
        """Return the scene, with changed colors."""
        labels = np.array(self.labels, np.int64)
        classes = np.concatenate([[0], labels]).astype(np.uint8)[self.owners]
        boxes = np.array(self.boxes, np.float32).reshape(-1, 4)
        return Scene(change_colors(random, self.image), classes, labels, boxes)

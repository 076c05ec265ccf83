"""Detect objects in photos with Detector, which uses the C++ runtime."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from hvit_edge.boundary.public import public_methods
from hvit_edge.errors import InputError
from hvit_edge.runtime.binding import cpp
from hvit_edge.runtime.classifier import as_pixels
from hvit_edge.runtime.photo_task import PhotoTask
from hvit_edge.runtime.session import whole_number


@dataclass(frozen=True)
class Detection:
    """Holds an object in a photo.

    Attributes:
        label: its class; "class 17" if the artifact has no labels.
        index: number of the class, from 1; 0 is the background, which is not returned.
        score: softmax probability.
        x, y: left and upper side of the box in pixels of the photo. The box is inside the photo.
        width, height: size of the box in pixels.
    """

    label: str
    index: int
    score: float
    x: float
    y: float
    width: float
    height: float


@public_methods("__call__")
class Detector(PhotoTask):
    """Finds objects in photos with an artifact of the task "detect"; see PhotoTask."""

    _native_class = cpp.Detector

    def __call__(
        self,
        image: str | Path | Image.Image | np.ndarray,
        *,
        score_threshold: float | None = None,
        iou_threshold: float | None = None,
        candidates: int | None = None,
        max_detections: int | None = None,
    ) -> list[Detection]:
        """Find the objects in one photo.

        Args:
            image: the path of a file, a PIL image, or a uint8 array [height, width, 3] in RGB. EXIF
                rotation is applied to files and PIL images, and boxes are those of the upright
                photo.
            score_threshold: replaces the artifact's value, see `hvit_edge.tasks.Detect`. So do the
                other options.
            iou_threshold: see `Detect`.
            candidates: see `Detect`.
            max_detections: see `Detect`.

        Returns:
            The objects, the best first; an empty list if there is none.

        Raises:
            InputError: the file cannot be read, the array is wrong, a threshold is not between 0
                and 1, or a count is below 1.
            ArtifactError: the model returned a value that is not finite.
        """
        limits = {
            "score_threshold": _threshold(score_threshold, "score_threshold"),
            "iou_threshold": _threshold(iou_threshold, "iou_threshold"),
            "candidates": _count(candidates, "candidates"),
            "max_detections": _count(max_detections, "max_detections"),
        }
        pixels = as_pixels(image)
        with self._lock:
            found = self._native.detect(pixels, **limits)
        label = self._native.label
        return [
            Detection(label(f.index), f.index, f.score, f.x, f.y, f.width, f.height) for f in found
        ]

    @property
    def classes(self) -> int:
        """Return the number of classes without the background."""
        return self.session.outputs[0].shape[-1] - 1

    @property
    def labels(self) -> tuple[str, ...]:
        """Return the labels of the classes from 1 on; "class 17" if the artifact has none."""
        return tuple(map(self._native.label, range(1, self.classes + 1)))


def _threshold(value: float | None, name: str) -> float | None:
    if value is None or (isinstance(value, (int, float)) and not isinstance(value, bool)):
        return value
    raise InputError(f"[Detector] {name}: expected a number from 0 to 1, got {value!r}")


def _count(value: int | None, name: str) -> int | None:
    return None if value is None else whole_number(value, "Detector", name)

"""Hold the class of each pixel of a photo, and write it in the forms of other tools."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hvit_edge.errors import InputError
from hvit_edge.runtime.binding import cpp
from hvit_edge.runtime.session import whole_number


@dataclass(frozen=True, eq=False)
class Mask:
    """Holds the class of each pixel of a photo.

    Attributes:
        classes: uint8 [height, width] of the photo. Pixels that the preprocessing crops away have
            the class 0.
        confidence: float32 of the same shape, the softmax probability of the class, 0 where the
            photo is cropped; None unless it was asked for.
        labels: the label of each class; "class 17" if the artifact has none.
        colors: the color of each class, `#rrggbb`.
    """

    classes: np.ndarray
    confidence: np.ndarray | None
    labels: tuple[str, ...]
    colors: tuple[str, ...]

    def run_length(self, index: int) -> dict[str, object]:
        """Return the pixels of a class in COCO's compressed form, which pycocotools reads.

        Args:
            index: the class.

        Returns:
            "size", [height, width], and "counts", a str.

        Raises:
            InputError: there is no such class.
        """
        counts = cpp.run_length(self.classes, self._index(index))
        return {"size": list(self.classes.shape), "counts": counts}

    def polygons(self, index: int) -> list[list[tuple[int, int]]]:
        """Return the borders of a class as closed lines of points (x, y) along the pixels' edges.

        Lines around regions are clockwise, and lines around holes counterclockwise. Filled with the
        even-odd rule, they cover exactly the pixels of the class.

        Args:
            index: the class.

        Raises:
            InputError: there is no such class.
        """
        rings: list[list[tuple[int, int]]] = cpp.polygons(self.classes, self._index(index))
        return rings

    def _index(self, index: int) -> int:
        number = whole_number(index, "Mask", "index")
        if 0 <= number < len(self.labels):
            return number
        raise InputError(
            f"[Mask] index: expected a class of 0 to {len(self.labels) - 1}, got {number};"
            " `labels` lists them"
        )

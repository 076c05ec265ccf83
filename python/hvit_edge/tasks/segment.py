"""Define the task of segmenting photos."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hvit_edge.tasks.colors import read_colors
from hvit_edge.tasks.names import LOGITS, SEGMENT
from hvit_edge.tasks.task import Shape, Task, listed, same_classes


@dataclass(frozen=True)
class Segment(Task):
    """Maps a photo to a class for each element of a map: logits, float32 [1, C, h, w], C >= 2.

    Attributes:
        colors: color of each class, `#rrggbb`, in which masks are drawn; (red, green, blue) is
            converted. Without any, runtimes use the palette of Pascal VOC.

    Raises:
        InputError: an item of `colors` is no color.
    """

    name = SEGMENT
    output_names = (LOGITS,)

    colors: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check and convert the attributes."""
        object.__setattr__(self, "colors", read_colors(self.colors, "Segment"))

    def fault(self, shapes: Sequence[Shape]) -> str:
        """Return what is wrong with the shapes of outputs, see `Task.fault`."""
        only = shapes[0] if len(shapes) == 1 else ()
        if len(only) != 4 or only[0] != 1 or only[1] < 2 or min(only) < 1:
            return (
                f"expected logits [1, C, h, w] of 2 or more classes for the task {SEGMENT}, got"
                f" {listed(shapes)}; return one map for each class, the background included"
            )
        if self.colors and len(self.colors) != only[1]:
            return (
                f"colors: expected {only[1]}, one per class, got {len(self.colors)}; give a color"
                " for every class, or none"
            )
        return ""

    def agrees(self, expected: Sequence[np.ndarray], actual: Sequence[np.ndarray]) -> bool:
        """Return True if nearly all elements have the same class."""
        return same_classes(expected[0], actual[0], axis=1)

    def label_count(self, shapes: Sequence[Shape]) -> int:
        """Return the number of classes, with the background."""
        return shapes[0][1]

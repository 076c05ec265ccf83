"""Define the task of classifying photos."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hvit_edge.tasks.names import CLASSIFY
from hvit_edge.tasks.task import Shape, Task, listed


@dataclass(frozen=True)
class Classify(Task):
    """Maps a photo to logits, float32 [1, classes]."""

    name = CLASSIFY

    def fault(self, shapes: Sequence[Shape]) -> str:
        """Return what is wrong with the shapes of outputs, see `Task.fault`."""
        if len(shapes) == 1 and len(shapes[0]) == 2 and shapes[0][0] == 1 and shapes[0][1] > 0:
            return ""
        return f"expected logits [1, classes], got {listed(shapes)}; return the logits only"

    def agrees(self, expected: Sequence[np.ndarray], actual: Sequence[np.ndarray]) -> bool:
        """Return True if the top classes are the same."""
        return bool((expected[0].argmax(-1) == actual[0].argmax(-1)).all())

    def label_count(self, shapes: Sequence[Shape]) -> int:
        """Return the number of classes."""
        return shapes[0][1]

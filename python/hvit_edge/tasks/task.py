"""Define what the tasks of photos have in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from hvit_edge.errors import InputError

Shape = tuple[int, ...]
AGREEMENT = 0.99
"""The least cosine, or share of elements with the same class, of answers that agree."""


class Task:
    """Describes what a program computes from a photo; this is the base of all of them.

    Attributes:
        name: name of the task.
        output_names: names of the outputs of a program, in order; empty if artifacts of the task
            do not name them.
    """

    name: ClassVar[str]
    output_names: ClassVar[tuple[str, ...]] = ()

    def fault(self, shapes: Sequence[Shape]) -> str:
        """Return `expected ..., got ...` if outputs do not have the shapes of the task, else ""."""
        raise NotImplementedError

    def label_count(self, shapes: Sequence[Shape]) -> int:
        """Return how many labels fit to outputs of these shapes; 0 if the task has no labels."""
        raise NotImplementedError

    def check_outputs(self, shapes: Sequence[Shape], where: str) -> None:
        """Check the shapes of the outputs of a module.

        Args:
            shapes: shapes of the outputs, in order.
            where: name of the public function that was called, for messages.

        Raises:
            InputError: the outputs are not those of the task.
        """
        fault = self.fault(shapes)
        if fault:
            raise InputError(f"[{where}] {fault}")

    def check_labels(self, labels: Sequence[str], shapes: Sequence[Shape], where: str) -> None:
        """Check the labels of a module.

        Raises:
            InputError: there are labels, and not as many as the outputs have classes.
        """
        wanted = self.label_count(shapes)
        if labels and len(labels) != wanted:
            expected = f"{wanted}, {self._counted}" if wanted else f"none with the task {self.name}"
            remedy = "give a label for every class, or none" if wanted else "leave them out"
            raise InputError(f"[{where}] labels: expected {expected}, got {len(labels)}; {remedy}")
        if any("\n" in label for label in labels):
            raise InputError(f"[{where}] labels: expected no line breaks inside a label, got one")

    def agrees(self, expected: Sequence[np.ndarray], actual: Sequence[np.ndarray]) -> bool:
        """Return True if two answers mean the same, up to a hundredth of their elements."""
        raise NotImplementedError

    _counted = "one per class"


def listed(shapes: Sequence[Shape]) -> str:
    """Return shapes as text, such as `[1, 21, 32, 32]`."""
    return ", ".join(str(list(shape)) for shape in shapes) or "no tensor"


def same_classes(expected: np.ndarray, actual: np.ndarray, axis: int) -> bool:
    """Return True if the largest logits along an axis are at the same places, but for a few."""
    return float(np.mean(expected.argmax(axis) == actual.argmax(axis))) >= AGREEMENT

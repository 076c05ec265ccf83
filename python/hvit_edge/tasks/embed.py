"""Define the task of embedding photos."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hvit_edge.errors import InputError
from hvit_edge.tasks.names import EMBED, EMBEDDING, L2, NORMALIZATIONS
from hvit_edge.tasks.task import AGREEMENT, Shape, Task, listed


@dataclass(frozen=True)
class Embed(Task):
    """Maps a photo to a vector, float32 [1, D], whose distance to others measures similarity.

    Attributes:
        normalize: "l2": runtimes divide the vector by its L2 norm; or "none". The program itself
            returns the vector as it is.

    Raises:
        InputError: `normalize` is something else.
    """

    name = EMBED
    output_names = (EMBEDDING,)

    normalize: str = L2

    def __post_init__(self) -> None:
        """Check the attributes."""
        if self.normalize not in NORMALIZATIONS:
            raise InputError(
                f"[Embed] normalize: expected one of {', '.join(NORMALIZATIONS)}, got"
                f" {self.normalize!r}"
            )

    def fault(self, shapes: Sequence[Shape]) -> str:
        """Return what is wrong with the shapes of outputs, see `Task.fault`."""
        if len(shapes) == 1 and len(shapes[0]) == 2 and shapes[0][0] == 1 and shapes[0][1] > 0:
            return ""
        return (
            f"expected a vector [1, D] for the task {EMBED}, got {listed(shapes)}; pool the"
            " features to one vector"
        )

    def agrees(self, expected: Sequence[np.ndarray], actual: Sequence[np.ndarray]) -> bool:
        """Return True if the cosine of two embeddings is at least `AGREEMENT`."""
        one: np.ndarray = expected[0].astype(np.float64).ravel()
        other: np.ndarray = actual[0].astype(np.float64).ravel()
        norms = float(np.linalg.norm(one) * np.linalg.norm(other))
        return float(one @ other) >= AGREEMENT * norms

    def label_count(self, shapes: Sequence[Shape]) -> int:
        """Return 0, because embeddings have no classes."""
        return 0

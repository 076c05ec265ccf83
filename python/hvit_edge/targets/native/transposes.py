"""Gather values as transposed matrices, which need no table with an entry for every value."""

from __future__ import annotations

import numpy as np

from hvit_edge.targets.native.general_operations import Transpose
from hvit_edge.targets.native.operations import Matrices
from hvit_edge.targets.native.values import Buffer


def transpose(source: Buffer, places: np.ndarray, output: Buffer) -> Transpose | None:
    """Return the operation that copies `places` of `source` contiguously to `output`.

    Args:
        source: the buffer that is read.
        places: int64, of any shape; the last dimension is along the rows.
        output: the buffer that is written.

    Returns:
        None if the rows differ in the distance between values, or if they do not form matrices.
    """
    rows = places.reshape(-1, places.shape[-1])
    step = int(rows[0, 1] - rows[0, 0]) if rows.shape[1] > 1 else 0
    if step < 0 or not np.array_equal(rows - rows[:, :1], _steps(rows.shape[1], step, len(rows))):
        return None
    starts = rows[:, 0]
    ways = np.diff(starts)
    together = int(np.argmax(ways != ways[0])) + 1 if (ways != ways[:1]).any() else len(starts)
    if len(starts) % together:
        return None
    matrices = starts.reshape(-1, together)
    stride = int(ways[0]) if together > 1 else 0
    regular = np.array_equal(matrices - matrices[:, :1], _steps(together, stride, len(matrices)))
    if stride < 0 or not regular:
        return None
    return Transpose(
        together, rows.shape[1], Matrices(source, matrices[:, 0], stride), step, output
    )


def _steps(count: int, step: int, repeats: int) -> np.ndarray:
    return np.broadcast_to(np.arange(count) * step, (repeats, count))

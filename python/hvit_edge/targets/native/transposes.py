"""Values that are gathered, as matrices that are turned: without a table of every value."""

from __future__ import annotations

import numpy as np

from hvit_edge.targets.native.general_operations import Transpose
from hvit_edge.targets.native.operations import Matrices
from hvit_edge.targets.native.values import Buffer


def transpose(source: Buffer, places: np.ndarray, output: Buffer) -> Transpose | None:
    """Return the operation that brings `places` of `source` side by side to `output`.

    Args:
        places: int64, of any shape; its last dimension is that of the rows.

    Returns:
        None if the values of all rows are not the same way apart, or rows do not come in matrices.
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

"""Add up products of matrices with themselves, of which one half is computed.

    sums += rows^T rows

PyTorch has no such product. Columns are cut into blocks, and each block is multiplied by itself and
by the columns after it: eight blocks take 9/16 of the multiplications. numpy's library computes one
half as well, but its threads wait actively and take the cores from PyTorch's.
"""

from __future__ import annotations

from torch import Tensor

BLOCKS = 8
NARROWEST = 96
"""The least number of columns of a block: narrower products are slower than what they save."""


def add_self_product(sums: Tensor, rows: Tensor) -> None:
    """Add `rows^T rows` to the upper half of `sums`, in place; its lower half has no meaning.

    Args:
        sums: [columns, columns].
        rows: [rows, columns], of the same dtype.
    """
    columns = rows.shape[1]
    width = max(NARROWEST, -(-columns // BLOCKS))
    for first in range(0, columns, width):
        last = min(first + width, columns)
        sums[first:last, first:].addmm_(rows[:, first:last].T, rows[:, first:])


def complete(sums: Tensor) -> Tensor:
    """Return a symmetric float64 matrix with the upper half of `sums`."""
    found, columns = sums.double(), len(sums)
    for first in range(0, columns, NARROWEST):  # in place: a wide matrix takes much memory
        last = min(first + NARROWEST, columns)
        corner = found[first:last, first:last].triu_()
        corner.add_(corner.triu(1).T)
        found[last:, first:last] = found[first:last, last:].T
    return found

"""Where the elements of a tensor lie.

While a graph is lowered, a tensor is a buffer and, for each of its elements, the element's place in
that buffer. Every view (reshape, permute, slice, roll, repeat) is then an operation on the array of
places, and costs nothing when the program runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum, IntEnum

import numpy as np


class Space(IntEnum):
    """Which memory a buffer lies in, as cpp/src/native/operations.h numbers them."""

    ARENA = 0
    CONSTANTS = 1
    INPUT = 2
    OUTPUT = 3


class Number(Enum):
    """What the numbers of a plan are in memory, and among its constants."""

    FLOAT32 = np.dtype(np.float32)
    FLOAT16 = np.dtype(np.float16)

    @property
    def bytes(self) -> int:
        return self.value.itemsize


@dataclass(eq=False)
class Buffer:
    """Memory of so many numbers of the plan, or of so many bytes.

    Attributes:
        size: numbers or bytes.
        space: where it lies.
        data: what a constant buffer holds, else None.
        of_bytes: whether `size` is in bytes, whatever the numbers are.
    """

    size: int
    space: Space = Space.ARENA
    data: np.ndarray | None = None
    of_bytes: bool = False

    def bytes(self, number: Number) -> int:
        """How many it takes."""
        return self.size if self.of_bytes else self.size * number.bytes


@dataclass(frozen=True)
class Rows:
    """Rows of side-by-side values: row i begins at `places[i]` of the buffer.

    Attributes:
        buffer: that they lie in.
        places: int64 [rows].
        width: values of a row.
    """

    buffer: Buffer
    places: np.ndarray
    width: int

    @property
    def stride(self) -> int | None:
        """The values from each row to the next; None where that varies."""
        if len(self.places) < 2:
            return self.width
        steps = np.diff(self.places)
        return int(steps[0]) if (steps == steps[0]).all() and steps[0] >= 0 else None


@dataclass(frozen=True)
class Value:
    """A tensor of the graph.

    Attributes:
        buffer: that its elements lie in.
        places: int64, the shape of the tensor: where each element lies.
        source: the operation that will write the buffer, as long as it may still take on more of
            what follows it; see `emit.Emitter`.
    """

    buffer: Buffer
    places: np.ndarray
    source: object | None = field(default=None, repr=False)

    @property
    def shape(self) -> tuple[int, ...]:
        return self.places.shape

    def has_rows(self, axis: int) -> bool:
        """Whether neighbours along `axis` are neighbours in memory."""
        if self.places.shape[axis] == 1:
            return True
        first = np.take(self.places, [0], axis=axis)
        count = np.arange(self.places.shape[axis])
        shape = [1] * self.places.ndim
        shape[axis] = -1
        return bool((self.places == first + count.reshape(shape)).all())

    def repeats(self, axis: int) -> bool:
        """Whether all values along `axis` are the same one."""
        return bool((self.places == np.take(self.places, [0], axis=axis)).all())

    def rows(self, axis: int) -> Rows:
        """The rows along `axis`, in the order of the other dimensions; `has_rows` must hold."""
        moved = np.moveaxis(self.places, axis, -1)
        return Rows(self.buffer, moved[..., 0].ravel(), moved.shape[-1])


def dense(shape: tuple[int, ...], axis: int = -1) -> np.ndarray:
    """Places of a fresh tensor of `shape` whose rows lie along `axis`, one behind the other."""
    if not shape:
        return np.zeros((), np.int64)
    moved = np.moveaxis(np.empty(shape, dtype=np.bool_), axis, -1).shape
    return np.moveaxis(np.arange(int(np.prod(shape)), dtype=np.int64).reshape(moved), -1, axis)


def constant_value(array: np.ndarray) -> Value:
    """A constant tensor."""
    data = np.ascontiguousarray(array, np.float32)
    return Value(Buffer(data.size, Space.CONSTANTS, data), dense(array.shape))


def filled(shape: Sequence[int], number: float) -> Value:
    """A constant tensor of one number."""
    buffer = Buffer(1, Space.CONSTANTS, np.full(1, number, np.float32))
    return Value(buffer, np.zeros(tuple(shape), np.int64))


def fresh(shape: Sequence[int], axis: int = -1) -> Value:
    """A tensor of `shape` in a buffer of its own, with its rows along `axis`."""
    places = dense(tuple(shape), axis)
    return Value(Buffer(places.size), places)

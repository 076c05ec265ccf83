"""Describe where the elements of a tensor are stored.

While a graph is lowered, a tensor is a buffer and, for each of its elements, the element's place in
that buffer. Every view (reshape, permute, slice, roll, repeat) is then an operation on the array of
places, and costs nothing when the program runs.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum, IntEnum
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from hvit_edge.targets.native.operations import Operation

MOST_IN_INT32 = 2**28
"""Values of a buffer whose places have room in int32, also multiplied by the bytes of a value."""


class Space(IntEnum):
    """Names the memory that a buffer is in, numbered as in cpp/src/native/operations.h."""

    ARENA = 0
    CONSTANTS = 1
    INPUT = 2
    OUTPUT = 3


class Number(Enum):
    """Names the number type of a plan, in memory and in its constants."""

    FLOAT32 = np.dtype(np.float32)
    FLOAT16 = np.dtype(np.float16)

    @property
    def bytes(self) -> int:
        return self.value.itemsize


@dataclass(eq=False)
class Buffer:
    """Represents memory for a number of values of the plan, or for a number of bytes.

    Attributes:
        size: the number of values, or of bytes.
        space: the memory that the buffer is in.
        data: the values of a constant buffer, else None.
        of_bytes: True if `size` is in bytes, whatever the number type of the plan.
    """

    size: int
    space: Space = Space.ARENA
    data: np.ndarray | None = None
    of_bytes: bool = False

    def bytes(self, number: Number) -> int:
        """Return the size in bytes."""
        return self.size if self.of_bytes else self.size * number.bytes


@dataclass(frozen=True)
class Rows:
    """Describes rows of contiguous values: row i begins at `places[i]` of the buffer.

    Attributes:
        buffer: the buffer that the rows are in.
        places: int64 [rows].
        width: the number of values of a row.
    """

    buffer: Buffer
    places: np.ndarray
    width: int

    @property
    def stride(self) -> int | None:
        """Return the distance between rows in values; None if it varies."""
        if len(self.places) < 2:
            return self.width
        steps = np.diff(self.places)
        return int(steps[0]) if (steps == steps[0]).all() and steps[0] >= 0 else None


@dataclass(frozen=True)
class Value:
    """Represents a tensor of the graph.

    Attributes:
        buffer: the buffer that the elements are in.
        places: integers of `place_type`, in the shape of the tensor: the place of each element.
        source: the operation that will write the buffer, as long as later operators may still
            become part of it; see `emitter.Emitter`.
    """

    buffer: Buffer
    places: np.ndarray
    source: Operation | None = field(default=None, repr=False)

    @property
    def shape(self) -> tuple[int, ...]:
        return self.places.shape

    def has_rows(self, axis: int) -> bool:
        """Return True if neighbors along `axis` are neighbors in memory."""
        if self.places.shape[axis] == 1:
            return True
        first = np.take(self.places, [0], axis=axis)
        count = np.arange(self.places.shape[axis], dtype=self.places.dtype)
        shape = [1] * self.places.ndim
        shape[axis] = -1
        return bool((self.places == first + count.reshape(shape)).all())

    def repeats(self, axis: int) -> bool:
        """Return True if all elements along `axis` are at the same place."""
        return bool((self.places == np.take(self.places, [0], axis=axis)).all())

    def can_have_rows(self, axis: int) -> bool:
        """Return True if the value has rows along `axis`, or if `arranged` gives it such rows."""
        return self._is_rearrangeable() or self.has_rows(axis)

    def arranged(self, axis: int) -> Value:
        """Return a constant value with its rows along `axis`; others are returned as they are.

        A constant that is repeated is not copied either, because the copies would be stored.
        """
        if self.buffer.data is None or not self._is_rearrangeable():
            return self
        elements = self.buffer.data.reshape(-1)[np.moveaxis(self.places, axis, -1)]
        data = np.ascontiguousarray(elements.ravel())
        return Value(Buffer(data.size, Space.CONSTANTS, data), dense(self.shape, axis))

    def _is_rearrangeable(self) -> bool:
        return self.buffer.data is not None and self.places.size <= self.buffer.size

    def rows(self, axis: int) -> Rows:
        """Return the rows along `axis`, in the order of the other dimensions; `has_rows` must be
        True.
        """
        moved = np.moveaxis(self.places, axis, -1)
        return Rows(self.buffer, moved[..., 0].ravel().astype(np.int64), moved.shape[-1])


def dense(shape: tuple[int, ...], axis: int = -1) -> np.ndarray:
    """Return the places of a fresh tensor of `shape` whose rows are along `axis`, one after
    another.
    """
    count = math.prod(shape)
    if not shape:
        return np.zeros((), place_type(count))
    moved = np.moveaxis(np.empty(shape, dtype=np.bool_), axis, -1).shape
    return np.moveaxis(np.arange(count, dtype=place_type(count)).reshape(moved), -1, axis)


def place_type(count: int) -> type[np.signedinteger[Any]]:
    """Return the dtype of the places in a buffer of `count` values.

    A graph has a place for each element of each tensor, which takes more memory than its weights.
    """
    return np.int32 if count <= MOST_IN_INT32 else np.int64


def constant_value(array: np.ndarray) -> Value:
    """Return the value of a constant tensor."""
    data = np.ascontiguousarray(array, np.float32)
    return Value(Buffer(data.size, Space.CONSTANTS, data), dense(array.shape))


def filled(shape: Sequence[int], number: float) -> Value:
    """Return a constant tensor that is filled with one number."""
    buffer = Buffer(1, Space.CONSTANTS, np.full(1, number, np.float32))
    return Value(buffer, np.zeros(tuple(shape), np.int32))


def fresh(shape: Sequence[int], axis: int = -1) -> Value:
    """Return a tensor of `shape` in a new buffer, with its rows along `axis`."""
    places = dense(tuple(shape), axis)
    return Value(Buffer(places.size), places)

"""Hold tensors while a graph is translated: a Core ML variable or a constant, and its layout."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from coremltools.converters.mil import Builder as mb
from coremltools.converters.mil.mil import Var

from hvit_edge.targets.coreml.layout import (
    MAX_RANK,
    Axis,
    Factor,
    Layout,
    common,
    folded,
    joined,
    steps,
)

RANK = 4  # of the arrays that convolutions, linears and norms read


@dataclass
class Value:
    """Represents a tensor of the graph.

    Attributes:
        data: a variable of the program, or a constant.
        layout: its logical dimensions and the axes of `data`. Rules may rearrange it in place;
            later readers of the tensor find it in the new order.
    """

    data: Var | np.ndarray
    layout: Layout

    @classmethod
    def constant(cls, array: np.ndarray) -> Value:
        """Return a constant in PyTorch's order."""
        return cls(array, Layout.plain(array.shape))

    @property
    def is_constant(self) -> bool:
        """Return True if it is a constant, which costs nothing at run time to rearrange."""
        return isinstance(self.data, np.ndarray)

    @property
    def is_float(self) -> bool:
        """Return True if the numbers are floating point."""
        if isinstance(self.data, np.ndarray):
            return bool(np.issubdtype(self.data.dtype, np.floating))
        return "fp" in self.data.dtype.__name__

    @property
    def is_bool(self) -> bool:
        """Return True if the elements are truth values."""
        if isinstance(self.data, np.ndarray):
            return self.data.dtype == bool
        return self.data.dtype.__name__ == "bool"

    def arrange(self, target: Sequence[Axis]) -> None:
        """Bring the axes of the array into another order and grouping, in place."""
        for kind, argument in steps(self.layout.array, target):
            self._move(kind, argument)
        self.layout = Layout(self.layout.logical, tuple(target))

    def _move(self, kind: str, argument: tuple[int, ...]) -> None:
        if isinstance(self.data, np.ndarray):
            move = np.reshape if kind == "reshape" else np.transpose
            self.data = move(self.data, argument)
        elif kind == "reshape":
            self.data = mb.reshape(x=self.data, shape=argument)
        else:
            self.data = mb.transpose(x=self.data, perm=argument)


def plain(value: Value) -> None:
    """Arrange the array in PyTorch's order; beyond five dimensions, the first ones
    become one axis.
    """
    value.arrange(folded(value.layout.logical))


def tokens(value: Value) -> None:
    """Arrange as [first dimension, channels, rest]; channels are the last logical dimension.

    If the rest is already on two axes in its order, as in a map [1, C, H, W], nothing moves.
    """
    first, *rest, channels = ((), *value.layout.logical)[-max(2, len(value.layout.logical)) :]
    places = tuple(factor for axis in rest for factor in axis)
    array = value.layout.array
    if len(array) == RANK and array[:2] == (first, channels) and array[2] + array[3] == places:
        return
    last = tuple(rest) if len(rest) == 2 else ((), places)
    value.arrange((first, channels, *last))


def channels_first(value: Value) -> None:
    """Arrange with one axis for each logical dimension, channels second, as an array of rank four.

    Channels are the dimension that is second in the array now. If there is none, they are the last
    dimension, as in PyTorch's tokens. A tensor with fewer than two or more than four dimensions is
    arranged plainly.
    """
    logical, array = value.layout.logical, value.layout.array
    if len(logical) > RANK or len(logical) < 2:
        plain(value)
        return
    at = logical.index(array[1]) if len(array) > 1 and array[1] and array[1] in logical else None
    if at is None:
        at = len(logical) - 1
    others = [axis for dim, axis in enumerate(logical) if dim != at]
    first, rest = (others[0], others[1:])
    value.arrange((first, logical[at], *((),) * (RANK - 2 - len(rest)), *rest))


def align(one: Value, other: Value) -> None:
    """Arrange two tensors that broadcast in PyTorch so that their arrays broadcast, in place.

    The second tensor follows the first if they can be matched; else both are arranged in the order
    of their dimensions.

    Raises:
        ValueError: the tensors need more than five axes.
    """
    rank = max(len(one.layout.logical), len(other.layout.logical))
    first, second = (_of_rank(value, rank) for value in (one, other))
    if not _follow(first, second):
        groups = _groups(first.layout.shape, second.layout.shape)
        if len(groups) > MAX_RANK:
            raise ValueError(f"expected dimensions that broadcast in at most {MAX_RANK} groups")
        for value in (first, second):
            value.arrange(_grouped(value.layout.logical, groups))
    for value, arranged in ((one, first), (other, second)):
        value.data = arranged.data
        own = arranged.layout.logical[rank - len(value.layout.logical) :]
        value.layout = Layout(own, arranged.layout.array)


def broadcast_layout(one: Value, other: Value, shape: Sequence[int]) -> Layout:
    """Return the layout of a result of `shape` from two tensors that `align` has arranged."""
    for value in (one, other):
        if list(value.layout.shape) == list(shape):
            return value.layout
    # Neither has the result's shape, so `align` left both in the order of their dimensions.
    rank = len(shape)
    groups = _groups(*(_of_rank(value, rank).layout.shape for value in (one, other)))
    logical = Layout.plain(shape).logical
    return Layout(logical, _grouped(logical, groups))


def _groups(one: Sequence[int], other: Sequence[int]) -> list[range]:
    """Return the dimensions that may share an axis: each alone, or neighbors that
    broadcast alike.
    """
    rank = len(one)
    if rank <= MAX_RANK:
        return [range(dim, dim + 1) for dim in range(rank)]
    groups: list[range] = []
    last = None
    for dim, (a, b) in enumerate(zip(one, other, strict=True)):
        pattern = (a > 1, b > 1)
        if groups and (pattern == last or not any(pattern)):
            groups[-1] = range(groups[-1].start, dim + 1)
        else:
            groups.append(range(dim, dim + 1))
            last = pattern
    return groups


def _grouped(logical: Sequence[Axis], groups: Sequence[range]) -> tuple[Axis, ...]:
    return tuple(joined(logical[dim] for dim in group) for group in groups)


def _of_rank(value: Value, rank: int) -> Value:
    """Return a copy with leading dimensions of size 1."""
    missing = ((),) * (rank - len(value.layout.logical))
    return Value(value.data, Layout((*missing, *value.layout.logical), value.layout.array))


def _follow(one: Value, other: Value) -> bool:
    """Arrange `other` like `one`; return False if they cannot be matched axis by axis."""
    names = _matched(one, other)
    if names is None:
        return False
    target = []
    for axis in one.layout.array:
        known = [names[factor] for factor in axis if factor in names]
        if known and len(known) < len(axis):
            return False
        target.append(tuple(known))
    if {f for axis in other.layout.array for f in axis} != {f for axis in target for f in axis}:
        return False
    other.arrange(target)
    return True


def _matched(one: Value, other: Value) -> dict[Factor, Factor] | None:
    """Return the factor of `other` for each factor of `one`, after splitting both as needed.

    Returns:
        None if the dimensions have no common split.
    """
    for dim in range(len(one.layout.logical)):
        a, b = one.layout.logical[dim], other.layout.logical[dim]
        if not a or not b:
            continue
        splits = common(a, b)
        if splits is None:
            return None
        one.layout, other.layout = one.layout.refined(splits[0]), other.layout.refined(splits[1])
    pairs = zip(one.layout.logical, other.layout.logical, strict=True)
    return {f: g for a, b in pairs if a and b for f, g in zip(a, b, strict=True)}

"""Describe how the dimensions of a tensor are laid out on the axes of an array.

A network for Core ML keeps its arrays as [batch, channels, height, width] or [batch, channels, 1,
tokens], whatever shape PyTorch gives the same values. PyTorch's views then move no data:

    tokens [1, H * W, C] of a map [1, C, H, W]      logical (hw, c), array (c, h, w)
    windows [H/7 * W/7, 7 * 7, C] of the same map    logical (ij, ab, c), array (c, ia, jb)

`Layout` holds both orders as lists of factors. `steps` returns the reshapes and transposes that
lead from one array to another. Source of the layout:
https://machinelearning.apple.com/research/neural-engine-transformers.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache

MAX_RANK = 5


@dataclass(frozen=True, eq=False)
class Factor:
    """Represents a part of a dimension, with `size` > 1; factors are compared by identity."""

    size: int


Axis = tuple[Factor, ...]
"""The factors of one dimension, outermost first; empty for size 1."""
Step = tuple[str, tuple[int, ...]]
"""("reshape", shape) or ("transpose", order)."""


def size(axis: Axis) -> int:
    """Return the number of elements along an axis."""
    return math.prod(factor.size for factor in axis)


@dataclass(frozen=True)
class Layout:
    """Holds the same factors in two orders.

    Attributes:
        logical: the dimensions that PyTorch knows.
        array: the axes of the array in memory.
    """

    logical: tuple[Axis, ...]
    array: tuple[Axis, ...]

    @classmethod
    def plain(cls, shape: Sequence[int]) -> Layout:
        """Return a layout in which both orders are equal."""
        axes = tuple((Factor(n),) if n > 1 else () for n in shape)
        return cls(axes, axes)

    @classmethod
    def folded(cls, shape: Sequence[int]) -> Layout:
        """Return a layout with both orders equal, but at most as many array axes as
        Core ML allows.
        """
        logical = cls.plain(shape).logical
        return cls(logical, folded(logical))

    @property
    def shape(self) -> tuple[int, ...]:
        """Return the logical shape."""
        return tuple(size(axis) for axis in self.logical)

    @property
    def array_shape(self) -> tuple[int, ...]:
        """Return the shape of the array in memory."""
        return tuple(size(axis) for axis in self.array)

    def permuted(self, order: Sequence[int]) -> Layout:
        """Return a layout with the logical dimensions in another order; the array stays."""
        return Layout(tuple(self.logical[dim] for dim in order), self.array)

    def reshaped(self, shape: Sequence[int]) -> Layout | None:
        """Return a layout of another logical shape over the same array; None if no
        factors give it.
        """
        queue = [factor for axis in self.logical for factor in axis]
        parts: dict[Factor, Axis] = {}
        logical = []
        for wanted in shape:
            axis = _take(queue, wanted, parts)
            if axis is None:
                return None
            logical.append(axis)
        return Layout(tuple(logical), _split(self.array, parts))

    def refined(self, parts: dict[Factor, Axis]) -> Layout:
        """Return a layout in which factors are replaced by parts of them."""
        return Layout(_split(self.logical, parts), _split(self.array, parts))

    def find(self, dim: int) -> int | None:
        """Return the axis of the array that is exactly dimension `dim`; None if there is none."""
        axis = self.logical[dim]
        return self.array.index(axis) if axis and axis in self.array else None


def joined(axes: Iterable[Axis]) -> Axis:
    """Return one axis that has the factors of several."""
    return tuple(factor for axis in axes for factor in axis)


def folded(axes: Sequence[Axis]) -> tuple[Axis, ...]:
    """Return `axes`, with the first ones joined if there are more than an array may have."""
    spare = len(axes) - MAX_RANK
    return tuple(axes) if spare <= 0 else (joined(axes[: spare + 1]), *axes[spare + 1 :])


def _take(queue: list[Factor], wanted: int, parts: dict[Factor, Axis]) -> Axis | None:
    """Take factors of `wanted` elements off the queue, and record splits in `parts`.

    Returns:
        None if no factors give that number of elements.
    """
    axis: list[Factor] = []
    missing = wanted
    while missing > 1:
        factor = queue.pop(0)
        if missing % factor.size == 0:
            axis.append(factor)
            missing //= factor.size
        elif factor.size % missing == 0:
            outer, inner = Factor(missing), Factor(factor.size // missing)
            _note(parts, factor, (outer, inner))
            axis.append(outer)
            queue.insert(0, inner)
            missing = 1
        else:
            return None
    return tuple(axis)


def _note(parts: dict[Factor, Axis], factor: Factor, split: Axis) -> None:
    """Record a split; the factor may itself come from another split."""
    for whole, pieces in parts.items():
        if factor in pieces:
            at = pieces.index(factor)
            parts[whole] = (*pieces[:at], *split, *pieces[at + 1 :])
            return
    parts[factor] = split


def _split(axes: Iterable[Axis], parts: dict[Factor, Axis]) -> tuple[Axis, ...]:
    return tuple(
        tuple(piece for factor in axis for piece in parts.get(factor, (factor,))) for axis in axes
    )


def common(one: Axis, other: Axis) -> tuple[dict[Factor, Axis], dict[Factor, Axis]] | None:
    """Return splits of two axes of equal size after which their factors have the same sizes.

    Returns:
        None if there are no such splits.
    """
    first, second = list(one), list(other)
    splits: tuple[dict[Factor, Axis], dict[Factor, Axis]] = ({}, {})
    while first:
        a, b = first.pop(0), second.pop(0)
        if a.size == b.size:
            continue
        larger, queue, parts, small = (
            (a, first, splits[0], b.size) if a.size > b.size else (b, second, splits[1], a.size)
        )
        if larger.size % small:
            return None
        pieces = (Factor(small), Factor(larger.size // small))
        _note(parts, larger, pieces)
        queue.insert(0, pieces[1])
    return splits


def steps(source: Sequence[Axis], target: Sequence[Axis]) -> list[Step]:
    """Return the fewest reshapes and transposes that lead from one array to another.

    No transpose has more than five axes; an order that needs more is reached in several steps.

    Args:
        source: the axes of the array.
        target: the axes that it gets: the same factors, in any order and grouping.
    """
    shapes = [tuple(size(axis) for axis in axes) for axes in (source, target)]
    before, after = ([f for axis in axes for f in axis] for axes in (source, target))
    if before == after:
        return [] if shapes[0] == shapes[1] else [("reshape", shapes[1])]
    if len(_runs(before, after, ())) > MAX_RANK:
        return _ending_in(_in_several(before, after, target), shapes[0], shapes[1])
    last, first = _runs(before, after, target), _runs(before, after, source)
    if len(target) <= MAX_RANK and all(axis in last for axis in target if axis):
        moves = _transpose_last(source, target, last)
    elif len(source) <= MAX_RANK and all(axis in first for axis in source if axis):
        moves = _transpose_first(source, _in_order(first, after))
    else:
        runs = _runs(before, after, ())
        moves = [
            ("reshape", tuple(size(run) for run in runs)),
            ("transpose", tuple(runs.index(run) for run in _in_order(runs, after))),
        ]
    return _ending_in(moves, shapes[0], shapes[1])


def _in_several(
    before: Sequence[Factor], after: Sequence[Factor], target: Sequence[Axis]
) -> list[Step]:
    """Move blocks of neighbors first, such that the fewest runs are left."""
    runs = _runs(before, after, ())
    places = tuple(_in_order(runs, after).index(run) for run in runs)
    cuts, order = _best_blocks(places)
    blocks = [joined(runs[start:end]) for start, end in itertools.pairwise(cuts)]
    turned = tuple(blocks[at] for at in order)
    first: list[Step] = [("reshape", tuple(map(size, blocks))), ("transpose", order)]
    return [*first, *steps(turned, target)]


@cache
def _best_blocks(places: tuple[int, ...]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the bounds of five blocks, and the order of them that joins the most runs.

    Args:
        places: the target position of each run.
    """

    def breaks(candidate: tuple[tuple[int, ...], tuple[int, ...]]) -> int:
        cuts, order = candidate
        moved = [place for at in order for place in places[cuts[at] : cuts[at + 1]]]
        return sum(right != left + 1 for left, right in itertools.pairwise(moved))

    return min(_blocks(len(places)), key=breaks)


def _blocks(count: int) -> Iterator[tuple[tuple[int, ...], tuple[int, ...]]]:
    """Yield all bounds of five blocks of `count` runs, each with all orders of the blocks."""
    for inner in itertools.combinations(range(1, count), MAX_RANK - 1):
        for order in itertools.permutations(range(MAX_RANK)):
            yield (0, *inner, count), order


def _in_order(runs: Sequence[Axis], after: Sequence[Factor]) -> list[Axis]:
    """Return the runs in the order of the target."""
    return sorted(runs, key=lambda run: after.index(run[0]))


def _runs(before: Sequence[Factor], after: Sequence[Factor], bounds: Sequence[Axis]) -> list[Axis]:
    """Return the longest runs of factors that are neighbors in both orders, in the source's order.

    Args:
        before: the factors in the source's order.
        after: the factors in the target's order.
        bounds: axes; a run ends where one of them ends.
    """
    place = {factor: at for at, factor in enumerate(after)}
    ends = {axis[-1] for axis in bounds if axis}
    runs: list[list[Factor]] = []
    for factor in before:
        follows = runs and place[factor] == place[runs[-1][-1]] + 1
        if follows and runs[-1][-1] not in ends:
            runs[-1].append(factor)
        else:
            runs.append([factor])
    return [tuple(run) for run in runs]


def _transpose_last(
    source: Sequence[Axis], target: Sequence[Axis], runs: Sequence[Axis]
) -> list[Step]:
    """Return the steps to a target of which every axis is a run: reshape to runs,
    then transpose.
    """
    if len(source) == len(target) and all(not axis or axis in runs for axis in source):
        middle = list(source)
    else:
        middle = [()] * sum(not axis for axis in target) + list(runs)
    free = [at for at, axis in enumerate(middle) if not axis]
    order = tuple(middle.index(axis) if axis else free.pop(0) for axis in target)
    return [("reshape", tuple(size(axis) for axis in middle)), ("transpose", order)]


def _transpose_first(source: Sequence[Axis], goals: Sequence[Axis]) -> list[Step]:
    """Return the step from a source of which every axis is a run: a transpose to the target's
    order.
    """
    ones = [at for at, axis in enumerate(source) if not axis]
    return [("transpose", (*ones, *(list(source).index(axis) for axis in goals)))]


def _ending_in(moves: list[Step], start: tuple[int, ...], end: tuple[int, ...]) -> list[Step]:
    """Remove reshapes that change nothing, and append one to the target's shape if needed."""
    kept, shape = [], start
    for kind, argument in [*moves, ("reshape", end)]:
        if kind == "reshape" and argument == shape:
            continue
        kept.append((kind, argument))
        shape = argument if kind == "reshape" else tuple(shape[at] for at in argument)
    return kept

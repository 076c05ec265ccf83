"""Show progress bars on stderr, only if it is a terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TextIO, TypeVar

Item = TypeVar("Item")
Wrap = Callable[[Iterable[Any], int], Iterable[Any]]
"""Wraps the items of a loop, given the items and their number; returns the same items."""
Count = Callable[[int, int], None]
"""Is called with the number of finished items and the total, if the loop runs elsewhere."""


def silent(items: Iterable[Item], total: int) -> Iterable[Item]:
    """Show no bar; the default of every argument `progress` of type `Wrap`."""
    return items


def uncounted(done: int, total: int) -> None:
    """Show no bar; the default of every argument of type `Count`."""


def counter(description: str, *, unit: str = "image", stream: TextIO | None = None) -> Count:
    """Return a bar for items that are counted elsewhere; it disappears when all are done."""
    shown: list[Any] = []

    def count(done: int, total: int) -> None:
        if not shown:
            shown.append(_tqdm(None, total, description, unit, stream))
        shown[0].update(done - shown[0].n)
        if done == total:
            shown.pop().close()

    return count


def bar(description: str, *, unit: str = "image", stream: TextIO | None = None) -> Wrap:
    """Return a bar named `description`; it is hidden if `stream` (stderr) is not a terminal."""

    def wrap(items: Iterable[Item], total: int) -> Iterator[Item]:
        return iter(_tqdm(items, total, description, unit, stream))

    return wrap


def _tqdm(
    items: Iterable[Any] | None, total: int, description: str, unit: str, stream: TextIO | None
) -> Any:
    from tqdm import tqdm

    return tqdm(
        items,
        desc=description,
        total=total,
        unit=f" {unit}",
        file=stream or sys.stderr,
        disable=None,
        leave=False,
    )

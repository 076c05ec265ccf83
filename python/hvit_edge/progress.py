"""Progress bars: on stderr, and only where it is a terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TextIO, TypeVar

Item = TypeVar("Item")
Wrap = Callable[[Iterable[Item], int], Iterable[Item]]
"""What a loop takes as `progress`: (items, how many) to the same items."""
Count = Callable[[int, int], None]
"""What is told how many are done, and of how many, where the loop runs elsewhere."""


def silent(items: Iterable[Item], total: int) -> Iterable[Item]:
    """No bar: the default of every function that takes `progress`."""
    return items


def uncounted(done: int, total: int) -> None:
    """No bar: the default of every function that takes a `Count`."""


def counter(description: str, *, unit: str = "image", stream: TextIO | None = None) -> Count:
    """As `bar`, for what is counted elsewhere; it goes when all are done."""
    shown: list[Any] = []

    def count(done: int, total: int) -> None:
        if not shown:
            shown.append(_tqdm(None, total, description, unit, stream))
        shown[0].update(done - shown[0].n)
        if done == total:
            shown.pop().close()

    return count


def bar(description: str, *, unit: str = "image", stream: TextIO | None = None) -> Wrap:
    """A bar named `description`; it shows nothing where `stream` (stderr) is no terminal."""

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

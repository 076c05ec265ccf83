"""Progress bars: on stderr, and only where it is a terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from typing import TextIO, TypeVar

Item = TypeVar("Item")
Wrap = Callable[[Iterable[Item], int], Iterable[Item]]
"""What a loop takes as `progress`: (items, how many) to the same items."""


def silent(items: Iterable[Item], total: int) -> Iterable[Item]:
    """No bar: the default of every function that takes `progress`."""
    return items


def bar(description: str, *, unit: str = "image", stream: TextIO | None = None) -> Wrap:
    """A bar named `description`; it shows nothing where `stream` (stderr) is no terminal."""

    def wrap(items: Iterable[Item], total: int) -> Iterator[Item]:
        from tqdm import tqdm

        return iter(
            tqdm(
                items,
                desc=description,
                total=total,
                unit=f" {unit}",
                file=stream or sys.stderr,
                disable=None,
                leave=False,
            )
        )

    return wrap

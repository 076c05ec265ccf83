"""Keep account of calls: which are next, which are done, and which have to be repeated."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from hvit_edge.errors import DeviceError

MOST_TRIES = 3
"""How many workers a call may end before it is given up."""


class Calls:
    """Gives out numbers of calls, the lowest first, and returns results in their order.

    Args:
        count: number of calls.
        names: what each call is called in messages; its number by default.
    """

    def __init__(self, count: int, names: Sequence[str] = ()) -> None:
        self._count, self._names = count, names
        self._waiting = list(range(count))
        self._results: dict[int, Callable[[], Any]] = {}
        self._returned = 0
        self._failures: Counter[int] = Counter()

    @property
    def finished(self) -> bool:
        """Return True if all results were returned."""
        return self._returned == self._count

    def next(self) -> int | None:
        """Return the lowest number that waits; None if none does."""
        return heapq.heappop(self._waiting) if self._waiting else None

    def done(self, number: int, result: Callable[[], Any]) -> None:
        """Store the result of a call, as a function that returns it or raises its error."""
        self._results[number] = result

    def again(self, number: int) -> None:
        """Let a call wait again."""
        heapq.heappush(self._waiting, number)

    def failed(self, number: int) -> None:
        """Let a call wait again whose worker was lost.

        Raises:
            DeviceError: it was lost too often.
        """
        self._failures[number] += 1
        if self._failures[number] >= MOST_TRIES:
            name = self._names[number] if self._names else f"call {number}"
            raise DeviceError(
                f"[ray] {name}: expected a result, got {MOST_TRIES} workers that ended; look for"
                " the reason in the logs of Ray, or leave out --on ray"
            )
        self.again(number)

    def ready(self) -> Iterator[Any]:
        """Yield the next results as far as there are no gaps, and raise the error of a call."""
        while self._returned in self._results:
            result = self._results.pop(self._returned)
            self._returned += 1
            yield result()

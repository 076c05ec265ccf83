"""Look for unreachable objects less often while PyTorch is imported and graphs are rewritten."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager

ALLOCATIONS = 100_000
"""Number of new objects after which Python looks for unreachable ones; its default is 700."""

_lock = threading.Lock()
_inside = 0  # number of blocks
_users_threshold = gc.get_threshold()  # that of the user, while there is a block


@contextmanager
def rarely_collected() -> Iterator[None]:
    """Let Python look for unreachable objects less often until the last of such blocks ends.

    Imports and graphs make hundreds of thousands of objects, of which nearly all stay. Python looks
    at all of them again and again, which takes a fifth of the time of an import. Objects are still
    freed at once if nothing refers to them, and the memory of a compilation hardly grows. A
    collector that the user turned off, or made rarer, stays as it is.
    """
    _count(1)
    try:
        yield
    finally:
        _count(-1)


def _count(change: int) -> None:
    global _inside, _users_threshold
    with _lock:
        if _inside == 0:
            _users_threshold = gc.get_threshold()
            if 0 < _users_threshold[0] < ALLOCATIONS:
                gc.set_threshold(ALLOCATIONS, *_users_threshold[1:])
        _inside += change
        if _inside == 0:
            gc.set_threshold(*_users_threshold)

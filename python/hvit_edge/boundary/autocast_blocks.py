"""Run blocks of `torch.autocast` in float32, and say so.

Such a block makes training faster on a GPU. The answers of two machines differ by the rounding of
bfloat16, so none of them is a reference; the answer in float32 is what all of them approximate.
"""

from __future__ import annotations

import functools
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from torch.amp.autocast_mode import autocast

from hvit_edge.boundary.patched_version import TORCH
from hvit_edge.boundary.patches import autocast_entered_by

_thread = threading.local()
_lock = threading.Lock()


@contextmanager
def autocast_in_float32() -> Iterator[None]:
    """Turn blocks of `torch.autocast` off in this thread, and warn once about the first one.

    A block raises a LoweringError if another version of PyTorch than the patched one is installed.
    """
    _install()
    before = getattr(_thread, "said", None)
    _thread.said = before or set()
    try:
        yield
    finally:
        _thread.said = before


def _install() -> None:
    """Make `autocast.__enter__` look at the state of the thread, once for the whole process."""
    with _lock:
        if not hasattr(autocast.__enter__, "hvit_edge"):
            autocast_entered_by(_looking)


def _looking(original: Callable[[autocast], Any]) -> Callable[[autocast], Any]:
    """Return `original`, which enters a block, but off in threads of `autocast_in_float32`."""

    @functools.wraps(original)
    def enter(self: autocast) -> Any:
        if getattr(_thread, "said", None) is None or not self._enabled:
            return original(self)
        TORCH.check()  # `_enabled` is PyTorch's own affair
        _say(self)
        self._enabled = False
        try:
            return original(self)
        finally:
            self._enabled = True

    enter.hvit_edge = True
    return enter


def _say(block: autocast) -> None:
    if _thread.said:
        return
    frame = sys._getframe(2)
    while frame.f_back is not None and "torch" in frame.f_globals.get("__name__", "").split("."):
        frame = frame.f_back
    place = f"{frame.f_code.co_filename}:{frame.f_lineno}"
    _thread.said.add(place)
    warnings.warn(
        f"[torch.autocast] expected a block in float32, got one in {block.fast_dtype} at {place};"
        " it is computed in float32 or in the precision of the program, and compared with PyTorch"
        " in float32",
        stacklevel=3,
    )

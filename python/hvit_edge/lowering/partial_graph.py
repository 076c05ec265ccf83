"""Suppress the partial graph that `torch.export` prints before it raises."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from torch.export import _trace


@contextmanager
def without_partial_graph() -> Iterator[None]:
    """Drop the output of the tracer of `torch.export`; the output of a user's module stays."""
    before = vars(_trace).get("print")
    _trace.print = lambda *_, **__: sys.stderr.flush()
    try:
        yield
    finally:
        if before is None:
            del _trace.print
        else:
            _trace.print = before

"""Keep the graph so far, which `torch.export` prints before it raises, from the user."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from torch.export import _trace


@contextmanager
def without_partial_graph() -> Iterator[None]:
    """Drop what the tracer of `torch.export` prints itself; what a user's module prints stays."""
    before = vars(_trace).get("print")
    _trace.print = lambda *_, **__: sys.stderr.flush()
    try:
        yield
    finally:
        if before is None:
            del _trace.print
        else:
            _trace.print = before

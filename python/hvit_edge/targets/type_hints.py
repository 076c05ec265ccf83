"""Read the type hints of ExecuTorch's dataclasses once for each class.

ExecuTorch writes a delegate's graph and a program as JSON, which a compiler of flatbuffers reads.
For each field of each object, it evaluates all type hints of the object's class again. This takes a
quarter of the time of lowering.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from executorch.exir._serialize import _dataclass

from hvit_edge.boundary.replaced import replaced


@contextmanager
def type_hints_read_once() -> Iterator[None]:
    """Let objects that are written as JSON in this block share the hints of their class."""
    with replaced(_dataclass, get_type_hints=cache(_dataclass.get_type_hints)):
        yield

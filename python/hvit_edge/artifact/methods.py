"""Define the methods of an artifact that has several input sizes or batches. Imports no torch."""

from __future__ import annotations

import numpy as np

from hvit_edge.artifact.metadata import Method

FIRST_ENTRY = "forward"


def name_of(batch: int, size: tuple[int, int]) -> str:
    """Return the name of a method, such as "320x240", or "320x240-batch4" for a batch of 4."""
    height, width = size
    return f"{height}x{width}" if batch == 1 else f"{height}x{width}-batch{batch}"


def entry_of(methods: tuple[Method, ...], name: str) -> str:
    """Return the name that a method has in the ExecuTorch program; the first one is `forward`."""
    return FIRST_ENTRY if not methods or name in ("", methods[0].name) else name


def field_of(field: str, method: str) -> str:
    """Return the name of a field of one method; without it, the field has the value of all."""
    return f"{field}@{method}"


def written(methods: tuple[Method, ...]) -> str:
    """Return the value of `hve_methods`."""
    return "\n".join(f"{m.name}\t{m.batch}\t{m.size[0]}\t{m.size[1]}" for m in methods)


def batch_of(photo: np.ndarray, count: int) -> np.ndarray:
    """Return a batch of `count` different photos, made from one.

    Photo k is the given one with its columns rotated to the left by k * width // count. A program
    that confuses the photos of a batch therefore gives another answer.

    Args:
        photo: [1, 3, height, width], preprocessed.
        count: number of photos of the result.
    """
    width = photo.shape[3]
    rotated = [np.roll(photo, -(k * width // count), axis=3) for k in range(count)]
    return np.ascontiguousarray(np.concatenate(rotated))

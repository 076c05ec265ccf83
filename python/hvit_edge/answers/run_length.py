"""Write the pixels of a class as COCO's compressed run-length encoding."""

from __future__ import annotations

import numpy as np

BITS, MORE, FIRST = 5, 0x20, 48
"""Bits of a number in a character, the bit that says that another one follows, and the character
of zero."""


def run_length(mask: np.ndarray) -> dict[str, object]:
    """Return a mask in the form of COCO's results, which pycocotools reads.

    Args:
        mask: booleans [height, width].

    Returns:
        `size`, [height, width], and `counts`, the lengths of the runs of equal pixels down the
        columns as text. The first run is of False.
    """
    flat = np.asarray(mask, bool).flatten(order="F")
    ends = np.flatnonzero(np.diff(flat, prepend=False)) if flat.size else np.empty(0, int)
    runs = np.diff(ends, prepend=0, append=flat.size).tolist()
    steps = [run - runs[i - 2] if i > 2 else run for i, run in enumerate(runs)]
    return {"size": list(mask.shape), "counts": "".join(map(_characters, steps))}


def _characters(number: int) -> str:
    """Return a signed number in groups of five bits, the lowest first."""
    text = ""
    while True:
        group, number = number & (MORE - 1), number >> BITS
        done = number == (-1 if group & (MORE >> 1) else 0)
        text += chr(FIRST + group + (0 if done else MORE))
        if done:
            return text

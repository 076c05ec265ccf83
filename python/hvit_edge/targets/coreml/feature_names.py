"""Name the arrays of a package; Core ML requires unique identifiers."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np


def feature_names(
    inputs: Sequence[str], outputs: Sequence[str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the names of a package's inputs and outputs, which depend only on the module's names.

    A character that identifiers cannot have becomes `_`. A name that is used already gets its
    position as a suffix.
    """
    taken: set[str] = set()

    def unique(name: str, position: int) -> str:
        found = re.sub(r"\W", "_", name, flags=re.ASCII)
        found = found if re.match(r"[A-Za-z_]", found) else f"_{found}"
        while found in taken:
            found = f"{found}_{position}"
        taken.add(found)
        return found

    return (
        tuple(unique(name, at) for at, name in enumerate(inputs)),
        tuple(unique(name, at) for at, name in enumerate(outputs)),
    )


def stored(array: np.ndarray) -> np.ndarray:
    """Return an array as a package takes it: float32, or int32 for integers and booleans."""
    return array if array.dtype == np.float32 else array.astype(np.int32)

"""Make random inputs to time a program. Imports no torch."""

from __future__ import annotations

import numpy as np

from hvit_edge.runtime import Session


def random_arrays(session: Session) -> list[np.ndarray]:
    """Return an array for each input: normal numbers, or zeros for other dtypes than float32.

    Zeros are valid indices of any table.
    """
    random = np.random.default_rng(0)
    return [
        random.standard_normal(spec.shape, dtype=np.float32)
        if spec.dtype == "float32"
        else np.zeros(spec.shape, spec.dtype)
        for spec in session.inputs
    ]

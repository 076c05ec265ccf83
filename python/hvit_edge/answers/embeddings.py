"""Normalize embeddings."""

from __future__ import annotations

import numpy as np

from hvit_edge.answers.masks import check_finite
from hvit_edge.tasks.names import L2

SHORTEST = 1e-12


def normalized(features: np.ndarray, normalize: str) -> np.ndarray:
    """Return the embedding of one photo.

    Args:
        features: floats [1, size].
        normalize: "l2" for the length 1, or "none". As by `torch.nn.functional.normalize`, a vector
            that is shorter than `SHORTEST` is divided by it.

    Returns:
        float32 [size].

    Raises:
        ParityError: a feature is NaN or infinity.
    """
    check_finite(features)
    vector = np.asarray(features, np.float64).reshape(-1)
    divisor = max(float(np.linalg.norm(vector)), SHORTEST) if normalize == L2 else 1.0
    return (vector / divisor).astype(np.float32)

"""Normalize embeddings."""

from __future__ import annotations

import numpy as np

from hvit_edge.answers.masks import check_finite
from hvit_edge.tasks.names import L2


def normalized(features: np.ndarray, normalize: str) -> np.ndarray:
    """Return the embedding of one photo.

    Args:
        features: floats [1, size].
        normalize: "l2" for the length 1, except that zeros stay as they are; or "none".

    Returns:
        float32 [size].

    Raises:
        ParityError: a feature is NaN or infinity.
    """
    check_finite(features)
    vector = np.asarray(features, np.float64).reshape(-1)
    norm = np.linalg.norm(vector)
    return (vector / norm if normalize == L2 and norm else vector).astype(np.float32)

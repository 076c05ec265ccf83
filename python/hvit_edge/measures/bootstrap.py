"""Give the interval of a measure of sums over images, by resampling the images."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from hvit_edge.measures.proportion import CONFIDENCE

SAMPLES = 10_000
SEED = 0
BLOCK = 2**24
"""Number of weights that are drawn together; bounds the memory."""


def bootstrap_interval(
    rows: np.ndarray,
    measure: Callable[[np.ndarray], np.ndarray],
    *,
    samples: int = SAMPLES,
    seed: int = SEED,
    confidence: float = CONFIDENCE,
) -> tuple[float, float]:
    """Return the percentile interval of a measure over resampled images.

    Each sample draws as many images as there are, with replacement. For a comparison, a row has
    the numbers of both sides, so that every sample has the same images on both (paired bootstrap).
    Equal rows are drawn together, as one multinomial draw of the row's count.

    Args:
        rows: numbers [images, columns], at least one image.
        measure: maps sums of rows, [samples, columns], to one number for each, [samples].
        samples, seed: number of samples, and the seed of their generator.
        confidence: share of the samples within the interval.

    Source: Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13.
    """
    distinct, counts = np.unique(np.asarray(rows, np.float64), axis=0, return_counts=True)
    generator = np.random.default_rng(seed)
    step = max(1, BLOCK // len(distinct))
    found = []
    for start in range(0, samples, step):
        size = min(step, samples - start)
        weights = generator.multinomial(counts.sum(), counts / counts.sum(), size=size)
        found.append(measure(weights @ distinct))
    tail = (1 - confidence) / 2
    low, high = np.quantile(np.concatenate(found), [tail, 1 - tail])
    return float(low), float(high)

"""Give the interval of a share that was measured on a sample."""

from __future__ import annotations

import math
from statistics import NormalDist

CONFIDENCE = 0.95


def wilson_interval(
    hits: int, total: int, *, confidence: float = CONFIDENCE
) -> tuple[float, float]:
    """Return the Wilson score interval of a share, within 0 to 1.

    Unlike the normal interval it stays in range, and holds for shares near 0 and 1.

    Args:
        hits, total: number of images that count, and of all; `total` is at least 1.
        confidence: share of the samples whose interval has the true share.

    Source: Wilson, Probable inference, the law of succession, and statistical inference, 1927.
    """
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    share, weight = hits / total, z * z / total
    center = share + weight / 2
    half = z * math.sqrt(share * (1 - share) / total + weight / (4 * total))
    low, high = (center - half) / (1 + weight), (center + half) / (1 + weight)
    return (0.0 if hits == 0 else low), (1.0 if hits == total else high)

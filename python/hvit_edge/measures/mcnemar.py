"""Test if one of two classifiers is right more often than the other, on the same images."""

from __future__ import annotations

import math
from dataclasses import dataclass

EXACT_UP_TO = 1000
"""The most images that only one of them has right for which the exact test is computed."""


@dataclass(frozen=True)
class McNemar:
    """Holds the result of the test.

    Attributes:
        only_first, only_second: number of images that only the first one has right, and only the
            second one.
        p_value: probability of a difference at least as large if both were equally good.
        method: "exact", the binomial test, or "chi-square", the approximation with continuity
            correction for many images.
    """

    only_first: int
    only_second: int
    p_value: float
    method: str


def mcnemar(only_first: int, only_second: int) -> McNemar:
    """Return the two-sided test of McNemar.

    Only the images count that one of both has right. If both were equally good, each of these
    images would be a fair coin.

    Source: McNemar, Note on the sampling error of the difference between correlated proportions or
    percentages, 1947.
    """
    total = only_first + only_second
    if total <= EXACT_UP_TO:
        p_value, method = 2 * fair_tail(min(only_first, only_second), total), "exact"
    else:
        apart = abs(only_first - only_second) - 1
        p_value, method = math.erfc(max(apart, 0) / math.sqrt(2 * total)), "chi-square"
    return McNemar(only_first, only_second, min(1.0, p_value), method)


def fair_tail(most: int, total: int) -> float:
    """Return the probability of at most `most` heads in `total` throws of a fair coin."""
    ways = term = 1 if most >= 0 else 0
    for heads in range(1, most + 1):
        term = term * (total - heads + 1) // heads
        ways += term
    return ways / 2**total

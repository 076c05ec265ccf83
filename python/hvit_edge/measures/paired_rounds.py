"""Compare two times that were measured in alternating rounds, without assuming a distribution."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hvit_edge.errors import InputError
from hvit_edge.measures.mcnemar import fair_tail
from hvit_edge.measures.proportion import CONFIDENCE

FEWEST = 6
"""The fewest rounds with an interval of 95 %: all six ratios lie on one side by chance in 3 %."""


@dataclass(frozen=True)
class PairedRounds:
    """Holds how much slower or faster the first one of two is.

    Attributes:
        ratio: median over the rounds of the first time divided by the second one; above 1 the first
            one is slower.
        low, high: interval of this median: two of the sorted ratios.
        coverage: the probability that the interval contains the true median, at least 95 %.
        slower, faster: number of rounds in which the first one was slower, and faster.
        p_value: two-sided sign test, the probability of rounds as one-sided as these if each were
            as often slower as faster.
    """

    ratio: float
    low: float
    high: float
    coverage: float
    slower: int
    faster: int
    p_value: float


def compare_rounds(first: Sequence[float], second: Sequence[float]) -> PairedRounds:
    """Compare the times of each round with one another, so that slow phases of a machine cancel.

    Args:
        first, second: one time for each round, above 0, in one unit.

    Raises:
        InputError: there are fewer than six rounds, or not as many of both.

    Source: Conover, Practical Nonparametric Statistics, 1999, sections 3.2 and 3.4.
    """
    rounds = len(first)
    if rounds != len(second) or rounds < FEWEST:
        raise InputError(
            f"[paired_rounds] expected at least {FEWEST} rounds of both, got {rounds} and"
            f" {len(second)}; measure more of them with --rounds N (rounds=)"
        )
    ratios = np.sort(np.asarray(first, np.float64) / np.asarray(second, np.float64))
    cut = 0  # the interval leaves out this many ratios at each end
    while 1 - 2 * fair_tail(cut + 1, rounds) >= CONFIDENCE:
        cut += 1
    slower, faster = int((ratios > 1).sum()), int((ratios < 1).sum())
    return PairedRounds(
        ratio=float(np.median(ratios)),
        low=float(ratios[cut]),
        high=float(ratios[-1 - cut]),
        coverage=1 - 2 * fair_tail(cut, rounds),
        slower=slower,
        faster=faster,
        p_value=min(1.0, 2 * fair_tail(min(slower, faster), slower + faster)),
    )

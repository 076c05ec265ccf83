"""Rounds of turns in shuffled order, and what their times say.

A round gives every contestant one turn, so that noise of the machine meets all alike; ratios are
taken within a round.
"""

from __future__ import annotations

import random
import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from workers import WorkerError


class Takes(Protocol):
    """What has turns."""

    def turn(self, runs: int, warmup: int) -> list[float]:
        """Milliseconds of each run."""


Times = dict[str, list[list[float]]]


def interleave(
    contestants: Mapping[str, Takes],
    *,
    rounds: int,
    runs: int,
    warmup: int,
    seed: int = 0,
    on_round: Callable[[int], None] = lambda index: None,
) -> tuple[Times, dict[str, str]]:
    """Times of every contestant, [round][run] in milliseconds, and why some have none.

    Args:
        contestants: by name; one that fails has no more turns, and no times.
        rounds, runs, warmup: turns of each, and the runs in one that count or do not.
        seed: of the order, which changes from round to round.
        on_round: called after each.
    """
    shuffle = random.Random(seed).shuffle
    times: Times = {name: [] for name in contestants}
    failed: dict[str, str] = {}
    for index in range(rounds):
        order = [name for name in contestants if name not in failed]
        shuffle(order)
        for name in order:
            try:
                times[name].append(contestants[name].turn(runs, warmup))
            except WorkerError as error:
                failed[name] = str(error)
        on_round(index)
    return {name: found for name, found in times.items() if name not in failed}, failed


def summarise(times: Sequence[Sequence[float]]) -> dict[str, object]:
    """Median and spread of all runs, and the median of each round, in milliseconds."""
    every = [ms for turn in times for ms in turn]
    return {
        "runs": len(every),
        "median_ms": round(statistics.median(every), 3),
        "p10_ms": round(quantile(every, 0.1), 3),
        "p90_ms": round(quantile(every, 0.9), 3),
        "round_ms": [round(statistics.median(turn), 3) for turn in times],
    }


def ratio(ours: Sequence[float], peer: Sequence[float]) -> dict[str, float]:
    """Of ours to a peer's round by round: the median, and where 10 and 90 % of them lie.

    Args:
        ours, peer: medians of the same rounds.
    """
    found = [a / b for a, b in zip(ours, peer, strict=True)]
    return {
        "median": statistics.median(found),
        "p10": quantile(found, 0.1),
        "p90": quantile(found, 0.9),
    }


def quantile(values: Sequence[float], share: float) -> float:
    """By linear interpolation between the sorted values."""
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (place - low) * (ordered[high] - ordered[low])

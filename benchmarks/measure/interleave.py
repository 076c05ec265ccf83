"""Times contestants in rounds of turns in random order, and summarizes their times.

A round gives every contestant one turn, so that the noise of the machine affects all of them.
Ratios are computed within a round.
"""

from __future__ import annotations

import random
import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from measure.workers import WorkerError


class Takes(Protocol):
    """A contestant that takes turns."""

    def turn(self, runs: int, warmup: int) -> list[float]:
        """Return the milliseconds of each run."""


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
    """Return every contestant's times, [round][run] in milliseconds, and the reasons of failures.

    Args:
        contestants: by name; one that fails has no further turns, and no times.
        rounds, runs, warmup: turns of each contestant, and timed and untimed runs per turn.
        seed: seed of the order, which changes from round to round.
        on_round: called after each round.
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


def summarize(times: Sequence[Sequence[float]]) -> dict[str, object]:
    """Return median and spread of all runs, and the median of each round, in milliseconds."""
    every = [ms for turn in times for ms in turn]
    return {
        "runs": len(every),
        "median_ms": round(statistics.median(every), 3),
        "p10_ms": round(quantile(every, 0.1), 3),
        "p90_ms": round(quantile(every, 0.9), 3),
        "round_ms": [round(statistics.median(turn), 3) for turn in times],
    }


def ratio(ours: Sequence[float], peer: Sequence[float]) -> dict[str, float]:
    """Return the ratio of ours to a peer's: the median over rounds, and 10th and 90th percentiles.

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
    """Return a quantile by linear interpolation between the sorted values."""
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (place - low) * (ordered[high] - ordered[low])

"""Measure two artifacts in alternating rounds, and compare their latencies."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

from hvit_edge.errors import InputError
from hvit_edge.measures.paired_rounds import FEWEST, PairedRounds, compare_rounds
from hvit_edge.profile.bench import (
    BenchReport,
    check_counts,
    check_program,
    measure,
    report_of,
)
from hvit_edge.progress import Count, uncounted

ROUNDS = 10


@dataclass(frozen=True)
class BenchComparison:
    """Holds the reports of two artifacts, and the comparison of their rounds.

    Attributes:
        report, baseline: the reports over all rounds. Times of loading and of the first run are
            medians over the rounds, and the peak memory is the largest.
        rounds_ms: the median latency of the artifact and of the baseline in each round.
        comparison: the first one compared with the second one.
    """

    report: BenchReport
    baseline: BenchReport
    rounds_ms: list[tuple[float, float]]
    comparison: PairedRounds

    def to_dict(self) -> dict:
        """Return the report with `against`, `rounds_ms` and `comparison`, as plain values."""
        return {
            **self.report.to_dict(),
            "against": self.baseline.to_dict(),
            "rounds_ms": [list(pair) for pair in self.rounds_ms],
            "comparison": asdict(self.comparison),
        }


def bench_against(
    path: str | Path,
    baseline: str | Path,
    *,
    rounds: int = ROUNDS,
    iterations: int = 100,
    warmup: int = 10,
    threads: int = 0,
    progress: Count = uncounted,
    method: str = "",
) -> BenchComparison:
    """Measure two artifacts in turn, so that both meet the same phases of the machine.

    In each round both run in a new process, the one that is first alternates. The medians of a
    round are compared with one another.

    Args:
        path, baseline: the artifacts.
        rounds: number of rounds, at least 6.
        iterations: number of timed runs of each artifact, shared by the rounds.
        warmup: number of runs before the timed ones in each round.
        threads, method: see `bench`.
        progress: called after every round.

    Raises:
        ArtifactError: an artifact cannot be used, or its process crashed.
        InputError: a number is too small, or an artifact is a package.
    """
    for each in (path, baseline):
        check_program(each)
    check_counts(iterations, warmup, threads)
    if rounds < FEWEST:
        raise InputError(f"[bench] rounds: expected at least {FEWEST}, got {rounds}")
    each_round = math.ceil(iterations / rounds)
    paths, answers = (path, baseline), ([], [])
    for number in range(rounds):
        for side in (0, 1) if number % 2 == 0 else (1, 0):
            answers[side].append(measure(paths[side], each_round, warmup, threads, method))
        progress(number + 1, rounds)
    reports = [
        report_of(name, _together(found), each_round * rounds, warmup)
        for name, found in zip(paths, answers, strict=True)
    ]
    medians = [[1e3 * median(answer["seconds"]) for answer in found] for found in answers]
    return BenchComparison(*reports, list(zip(*medians, strict=True)), compare_rounds(*medians))


def _together(answers: list[dict]) -> dict:
    """Return the measurements of several rounds as those of one process."""
    return {
        "threads": answers[0]["threads"],
        "load_seconds": median(answer["load_seconds"] for answer in answers),
        "first_run_seconds": median(answer["first_run_seconds"] for answer in answers),
        "seconds": [second for answer in answers for second in answer["seconds"]],
        "peak_bytes": max(answer["peak_bytes"] for answer in answers),
    }

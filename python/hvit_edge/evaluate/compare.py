"""Compare two evaluations on the same images: is one artifact worse than the other?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from hvit_edge.errors import InputError
from hvit_edge.evaluate.numbers import MEASURE
from hvit_edge.evaluate.report import EvalReport
from hvit_edge.evaluate.task_report import TaskReport
from hvit_edge.measures.bootstrap import SAMPLES, bootstrap_interval
from hvit_edge.measures.mcnemar import McNemar, mcnemar
from hvit_edge.measures.proportion import CONFIDENCE
from hvit_edge.tasks.names import CLASSIFY, DETECT, SEGMENT

PYTORCH = "PyTorch"
Row = dict[str, Any]
Interval = tuple[float, float]


@dataclass(frozen=True)
class Comparison:
    """Holds how an evaluation compares with a baseline.

    Attributes:
        baseline: name of the artifact that it is compared with, or "PyTorch".
        measure: what is compared.
        images: number of images that both answered.
        value, baseline_value: the measure on these images, from 0 to 1.
        drop: `baseline_value - value` in percentage points; above 0 the baseline is better.
        interval: paired bootstrap interval of the drop; None for "detect", whose measure is no
            function of sums over images.
        confidence, samples: share of the samples within the interval, and their number.
        mcnemar: McNemar's test, in which the first one is the baseline; None for masks and boxes.
        agreement: share of the images for which both predict the same class; None for other tasks.
        verdict: "worse" or "better" if the test, or without one the interval, shows a difference at
            the given confidence, otherwise "no difference shown"; None if there is neither.
    """

    baseline: str
    measure: str
    images: int
    value: float
    baseline_value: float
    drop: float
    interval: Interval | None
    confidence: float
    samples: int
    mcnemar: McNemar | None
    agreement: float | None
    verdict: str | None

    def to_dict(self) -> dict:
        """Return the comparison as plain lists, dicts, strings and numbers."""
        return asdict(self)


def compare_reports(
    report: EvalReport | TaskReport, baseline: EvalReport | TaskReport
) -> Comparison:
    """Compare the report of an artifact with that of another one.

    Args:
        report, baseline: reports of one task on the same images.

    Returns:
        The comparison, see `Comparison`.

    Raises:
        InputError: the tasks or the images differ, or no image was answered by both.
    """
    if report.task != baseline.task:
        raise _different("an artifact of the same task", f"{baseline.task} and {report.task}")
    names = [[row["name"] for row in each.answers] for each in (baseline, report)]
    if names[0] != names[1]:
        raise _different("the same images", f"{len(names[0])} and {len(names[1])} other ones")
    both = [
        (first, second)
        for first, second in zip(baseline.answers, report.answers, strict=True)
        if "skipped" not in first and "skipped" not in second
    ]
    if report.task == DETECT:
        values = baseline.mean_precision, report.mean_precision
        return _comparison(baseline.artifact, DETECT, len(both), values)
    if report.task == SEGMENT:
        return _of_masks(baseline.artifact, both)
    return _of_ranks(baseline.artifact, report.task, both)


def compare_with_eager(report: EvalReport) -> Comparison:
    """Compare the report of a classifier with the answers of PyTorch in it."""
    rows = [row for row in report.answers if "skipped" not in row]
    eager = [
        {**row, "rank": row["eager_rank"], "predicted": row["eager_predicted"]} for row in rows
    ]
    return _of_ranks(PYTORCH, CLASSIFY, list(zip(eager, rows, strict=True)))


def _of_ranks(baseline: str, task: str, pairs: Sequence[tuple[Row, Row]]) -> Comparison:
    """Compare by the share of images whose class comes first."""
    pairs = [(a, b) for a, b in pairs if a["rank"] is not None and b["rank"] is not None]
    hits = np.array([(a["rank"] < 1, b["rank"] < 1) for a, b in pairs], np.int64).reshape(-1, 2)
    _check_any(len(hits))

    def drop(sums: np.ndarray) -> np.ndarray:
        return 100 * (sums[:, 0] - sums[:, 1]) / len(hits)

    first, second = hits.sum(0).tolist()
    shared = int(hits.prod(1).sum())
    test = mcnemar(first - shared, second - shared)
    agreement = None
    if task == CLASSIFY:
        agreement = sum(a["predicted"] == b["predicted"] for a, b in pairs) / len(pairs)
    return _comparison(
        baseline,
        task,
        len(hits),
        (first / len(hits), second / len(hits)),
        interval=bootstrap_interval(hits, drop),
        test=test,
        agreement=agreement,
    )


def _of_masks(baseline: str, pairs: Sequence[tuple[Row, Row]]) -> Comparison:
    """Compare by the mean over the classes of the overlap of all pixels."""
    _check_any(len(pairs))
    classes = sorted({key for pair in pairs for row in pair for key in row["classes"]}, key=int)
    rows = np.array(
        [[row["classes"].get(key, (0, 0)) for row in pair for key in classes] for pair in pairs]
    ).reshape(len(pairs), -1)

    def means(sums: np.ndarray) -> np.ndarray:
        both, either = np.moveaxis(sums.reshape(-1, 2, len(classes), 2), -1, 0)
        shares = np.divide(both, either, out=np.full(both.shape, np.nan), where=either > 0)
        return np.nanmean(shares, axis=-1)

    def drop(sums: np.ndarray) -> np.ndarray:
        found = means(sums)
        return 100 * (found[:, 0] - found[:, 1])

    first, second = means(rows.sum(0, keepdims=True))[0].tolist()
    interval = bootstrap_interval(rows, drop)
    return _comparison(baseline, SEGMENT, len(pairs), (first, second), interval=interval)


def _comparison(
    baseline: str,
    task: str,
    images: int,
    values: tuple[float, float],
    *,
    interval: Interval | None = None,
    test: McNemar | None = None,
    agreement: float | None = None,
) -> Comparison:
    drop = 100 * (values[0] - values[1])
    return Comparison(
        baseline=baseline,
        measure=MEASURE[task],
        images=images,
        value=values[1],
        baseline_value=values[0],
        drop=drop,
        interval=interval,
        confidence=CONFIDENCE,
        samples=SAMPLES if interval else 0,
        mcnemar=test,
        agreement=agreement,
        verdict=_verdict(drop, interval, test),
    )


def _verdict(drop: float, interval: Interval | None, test: McNemar | None) -> str | None:
    if test is not None:
        shown = test.p_value < 1 - CONFIDENCE
    elif interval is not None:
        shown = interval[0] > 0 or interval[1] < 0
    else:
        return None
    if not shown:
        return "no difference shown"
    return "worse" if drop > 0 else "better"


def _check_any(images: int) -> None:
    if not images:
        raise _different("images that both answered", "none")


def _different(expected: str, got: str) -> InputError:
    return InputError(
        f"[evaluate] --against (against=): expected {expected}, got {got}; compare artifacts of one"
        " task on one set of images"
    )

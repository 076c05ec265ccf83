"""Name the numbers of an evaluation that conditions of `--fail-if` compare."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from hvit_edge.errors import InputError
from hvit_edge.tasks.names import CLASSIFY, DETECT, EMBED, SEGMENT

if TYPE_CHECKING:
    from hvit_edge.evaluate.compare import Comparison
    from hvit_edge.evaluate.report import EvalReport
    from hvit_edge.evaluate.task_report import TaskReport

EVERY = ("images", "skipped")
WITH_EAGER = ("agreement",)
OWN = {
    CLASSIFY: ("top1", "top5"),
    SEGMENT: ("mean_iou", "pixel_accuracy"),
    DETECT: (
        *("mean_precision", "at_50", "at_75", "small", "medium", "large"),
        *("recall_1", "recall_10", "recall_100", "objects", "found"),
    ),
    EMBED: ("recall_1", "recall_5", "recall_10", "queries"),
}
MEASURE = {
    CLASSIFY: "top1",
    SEGMENT: "mean_iou",
    DETECT: "mean_precision",
    EMBED: "recall_1",
}
"""The measure of each task by which artifacts are compared."""
OF_INTERVAL = ("drop_low", "drop_high")
OF_TEST = ("p_value",)


def known_numbers(task: str) -> tuple[str, ...]:
    """Return the names that conditions on a task may have."""
    return (*OWN[task], *EVERY, *_eager(task), *_compared(task))


def check_measured(
    names: Collection[str], task: str, *, against: bool, against_eager: bool
) -> None:
    """Raise InputError if a name needs an option that was not given; call it before the work.

    Args:
        names: the names in the conditions.
        task: the task.
        against, against_eager: True if `--against` and `--against-eager` are given.
    """
    missing: Sequence[str] = ()
    option = ""
    if not against_eager:
        missing, option = [name for name in names if name in _eager(task)], "--against-eager"
    if not missing and not against:
        shared = _compared(task) if task == CLASSIFY else _compared(task)[:1]
        with_eager = shared if against_eager else ()
        missing = [name for name in names if name in _compared(task) and name not in with_eager]
        option = "--against OTHER"
    if missing:
        raise InputError(
            f"[fail-if] expected {option}, which measures {', '.join(missing)}, got no such option;"
            " add it"
        )


def numbers_of(
    report: EvalReport | TaskReport, comparison: Comparison | None
) -> dict[str, float | None]:
    """Return the numbers of a report by name; None for those that were not measured."""
    values = report.to_dict()
    values |= {f"recall_{k}": share for k, share in values.get("recall", {}).items()}
    eager = values.get("eager_recall")
    values |= {f"eager_recall_{k}": share for k, share in (eager or {}).items()}
    values["skipped"] = len(report.skipped)
    measure = MEASURE[report.task]
    if comparison is not None:
        values |= {f"{measure}_drop": comparison.drop}
        values |= dict(zip(OF_INTERVAL, comparison.interval or (None, None), strict=True))
        values["p_value"] = comparison.mcnemar.p_value if comparison.mcnemar else None
    elif values.get(f"eager_{measure}") is not None:
        values[f"{measure}_drop"] = 100 * (values[f"eager_{measure}"] - values[measure])
    return {name: values.get(name) for name in known_numbers(report.task)}


def _eager(task: str) -> tuple[str, ...]:
    return (f"eager_{MEASURE[task]}", *WITH_EAGER)


def _compared(task: str) -> tuple[str, ...]:
    """Return the names of a comparison with another artifact."""
    interval = () if task == DETECT else OF_INTERVAL
    test = OF_TEST if task in (CLASSIFY, EMBED) else ()
    return (f"{MEASURE[task]}_drop", *interval, *test)

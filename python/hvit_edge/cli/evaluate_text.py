"""Describe the reports of `eval` as text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from hvit_edge.artifact.kinds import is_package
from hvit_edge.cli import text
from hvit_edge.images.file_names import printable
from hvit_edge.tasks.names import CLASSIFY, DETECT, EMBED, SEGMENT

if TYPE_CHECKING:
    from hvit_edge.evaluate.compare import Comparison
    from hvit_edge.evaluate.report import Confusion, EvalReport
    from hvit_edge.evaluate.task_report import TaskReport

NAMES = {
    "top1": "top-1",
    "mean_iou": "mean IoU",
    "mean_precision": "mAP",
    "recall_1": "recall at 1",
}


def describe(report: EvalReport | TaskReport, comparison: Comparison | None) -> str:
    """Return the text of a report, and of its comparison with another one."""
    found = _describe_classes(report) if report.task == CLASSIFY else _describe_task(report)
    return found if comparison is None else f"{found}\n\n{describe_comparison(comparison)}"


def describe_comparison(comparison: Comparison) -> str:
    """Return the text of a comparison."""
    name = NAMES[comparison.measure]
    drop = f"{comparison.drop:+.2f} points"
    if comparison.interval is not None:
        low, high = comparison.interval
        drop += f" ({100 * comparison.confidence:.0f} %: {low:+.2f} to {high:+.2f})"
    pairs = [
        (name, text.percent(comparison.value)),
        (f"{name} of the baseline", text.percent(comparison.baseline_value)),
        ("drop", drop),
    ]
    test = comparison.mcnemar
    if test is not None:
        pairs += [
            ("only the baseline right", str(test.only_first)),
            ("only this one right", str(test.only_second)),
            ("McNemar's test", f"p = {test.p_value:.3g}, {test.method}"),
        ]
    if comparison.agreement is not None:
        pairs.append(("same class", text.percent(comparison.agreement)))
    if comparison.verdict is not None:
        pairs.append(("verdict", comparison.verdict))
    heading = f"against {printable(comparison.baseline)} on {comparison.images} images"
    return f"{heading}\n\n{text.fields(pairs)}"


def _describe_classes(report: EvalReport) -> str:
    pairs = [("top-1", text.percent(report.top1)), ("top-5", text.percent(report.top5))]
    if report.agreement is not None:
        pairs.append(("PyTorch top-1", text.percent(report.eager_top1)))
        pairs.append(("agreement", text.percent(report.agreement)))
    pairs.append(("images", report.images))
    if is_package(report.artifact) or report.backend != "C++ runtime":
        pairs.append(("backend", report.backend))
    if report.skipped:
        pairs.append(("skipped", len(report.skipped)))
    if report.ignored.count:
        pairs.append(("ignored", f"{report.ignored.count}: {report.ignored}"))
    if report.empty_classes:
        named = ", ".join(map(str, report.empty_classes))
        pairs.append(("empty", f"{len(report.empty_classes)}: {named}"))
    if report.absent_classes.count:
        absent = report.absent_classes
        pairs.append(("absent", f"{absent.count}: {absent}"))
    low, high = map(text.percent, report.top1_interval)
    pairs.append(("95 %", f"top-1 from {low} to {high}"))
    rows = [
        (row.label, str(row.images), text.percent(row.top1), text.percent(row.top5))
        for row in report.per_class
    ]
    parts = [
        f"{printable(report.artifact)} on {printable(report.data)}",
        text.fields(pairs),
        text.table(("class", "images", "top-1", "top-5"), rows),
    ]
    if report.confusion:
        parts.append(_describe_confusion(report.confusion))
    return "\n\n".join(parts)


def _describe_confusion(confusion: Sequence[Confusion]) -> str:
    rows = [
        (
            row.label,
            text.percent(row.top1),
            ", ".join(f"{mistake.label} {mistake.images}" for mistake in row.mistaken_for),
        )
        for row in confusion
    ]
    return text.table(("worst", "top-1", "mistaken for"), rows, left=(0, 2))


def _describe_task(report: TaskReport) -> str:
    measured, table = _DESCRIBED[report.task](report)
    pairs = [*measured, ("images", report.images)]
    if is_package(report.artifact) or report.backend != "C++ runtime":
        pairs.append(("backend", report.backend))
    if report.skipped:
        pairs.append(("skipped", len(report.skipped)))
    if report.ignored.count:
        pairs.append(("not used", f"{report.ignored.count}: {report.ignored}"))
    for name in ("absent", "empty"):
        classes = getattr(report, f"{name}_classes", None)
        if classes is not None and classes.count:
            pairs.append((name, f"{classes.count}: {classes}"))
    heading = f"{printable(report.artifact)} on {printable(report.data)}"
    return "\n\n".join([heading, text.fields(pairs), table])


def _compared(name: str, value: str, meaning: str, agreement: float) -> list[tuple[str, str]]:
    return [(f"PyTorch {name}", value), (meaning, text.percent(agreement))]


def _segment(report) -> tuple[list, str]:
    pairs = [
        ("mean IoU", text.percent(report.mean_iou)),
        ("pixel accuracy", text.percent(report.pixel_accuracy)),
    ]
    if report.agreement is not None:
        eager = text.percent(report.eager_mean_iou)
        pairs += _compared("mean IoU", eager, "IoU of both masks", report.agreement)
    rows = [
        (row.label, text.percent(row.iou), str(row.pixels), str(row.found))
        for row in report.per_class
    ]
    return pairs, text.table(("class", "IoU", "pixels", "found"), rows)


def _detect(report) -> tuple[list, str]:
    sizes = [("small", report.small), ("medium", report.medium), ("large", report.large)]
    pairs = [
        ("mAP", text.percent(report.mean_precision)),
        ("AP at IoU 0.5", text.percent(report.at_50)),
        ("AP at IoU 0.75", text.percent(report.at_75)),
        *[(f"mAP, {name}", text.percent(value)) for name, value in sizes if value is not None],
        ("recall of 100", text.percent(report.recall_100)),
    ]
    if report.agreement is not None:
        eager = text.percent(report.eager_mean_precision)
        pairs += _compared("mAP", eager, "same boxes", report.agreement)
    pairs.append(("objects", f"{report.objects}, and {report.found} boxes were found"))
    rows = [(row.label, str(row.objects), text.percent(row.precision)) for row in report.per_class]
    return pairs, text.table(("class", "objects", "mAP"), rows)


def _embed(report) -> tuple[list, str]:
    pairs = [(f"recall at {k}", text.percent(value)) for k, value in report.recall.items()]
    if report.agreement is not None:
        eager = ", ".join(text.percent(value) for value in report.eager_recall.values())
        pairs.append(("PyTorch recalls", eager))
        pairs.append(("lowest cosine", f"{report.agreement:.7f}"))
    pairs.append(("queries", report.queries))
    rows = [
        (row.label, str(row.images), *(_share(value) for value in row.recall.values()))
        for row in report.per_class
    ]
    header = ("class", "images", *(f"at {k}" for k in report.recall))
    return pairs, text.table(header, rows)


def _share(value: float | None) -> str:
    return "none" if value is None else text.percent(value)


_DESCRIBED: dict[str, Callable] = {SEGMENT: _segment, DETECT: _detect, EMBED: _embed}

"""Evaluate an artifact that embeds, segments or detects, for the verb `eval`."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from hvit_edge import progress
from hvit_edge.artifact.kinds import is_package
from hvit_edge.cli import text
from hvit_edge.cli.console import Console
from hvit_edge.cli.parser import made_by
from hvit_edge.errors import InputError
from hvit_edge.images.file_names import printable
from hvit_edge.tasks.names import DETECT, EMBED, SEGMENT

ONLY_CLASSES = ("batch", "workers", "resume", "allow_empty")
"""The options of `eval` that only an evaluation of classes has."""


def evaluate_task(args: argparse.Namespace, task: str, console: Console) -> int:
    """Evaluate and print what the task measures."""
    given = [f"--{name.replace('_', '-')}" for name in ONLY_CLASSES if getattr(args, name)]
    if given:
        raise InputError(
            f"[hvit-edge eval] {', '.join(given)}: expected an artifact that classifies, got one of"
            f" the task {task}; leave {'it' if len(given) == 1 else 'them'} out"
        )
    module = made_by(args, "eval")
    with console.quiet():
        from hvit_edge.evaluate.answers import write_answers
        from hvit_edge.evaluate.task_answers import eager_answers
        from hvit_edge.evaluate.tasks import evaluate_task

        eager = None
        if args.against_eager:
            eager = eager_answers(args.artifact, args.weights, **module)
        report = evaluate_task(
            args.artifact,
            args.data,
            limit=args.limit,
            threads=args.threads,
            split=args.split,
            images=args.images,
            eager=eager,
            progress=progress.bar("eval"),
            device=args.device,
            method=args.method,
        )
    if args.answers is not None:
        write_answers(args.answers, report, limit=args.limit, force=args.force)
    if args.format == "json":
        console.json(report.to_dict())
    else:
        console.print(_describe(report))
    for skipped in report.skipped:
        console.note(f"warning: skipped {printable(skipped.name)}: {skipped.reason}")
    return 0


def _describe(report) -> str:
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

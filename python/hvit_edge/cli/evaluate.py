"""Measure the accuracy of an artifact on labeled images, with the C++ runtime.

The task of the artifact says what is measured. Classes: top-1 and top-5. Masks: mean IoU, with DATA
a folder in the layout of Pascal VOC. Objects: COCO's mAP, with DATA a JSON file of COCO.
Embeddings: how often the nearest images have the same class. A package runs in Core ML on a Mac,
and in the reference evaluator on other systems.

For classes and embeddings, DATA is an NPZ file (`images` uint8 [N, height, width, 3], `labels`) or
a folder with one subfolder per class. Images that cannot be read and files with other names are
skipped, and listed. The exit code is 2 if a class folder has no readable image, unless
--allow-empty is given. An evaluation with --resume FILE continues when the same command is run
again.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from hvit_edge import progress
from hvit_edge.artifact.kinds import check_exists, is_package
from hvit_edge.cli import text
from hvit_edge.cli.console import Console
from hvit_edge.cli.evaluate_task import evaluate_task
from hvit_edge.cli.parser import (
    VerbParser,
    add_device,
    add_made_by,
    add_method,
    add_threads,
    made_by,
    whole_number,
)
from hvit_edge.errors import InputError
from hvit_edge.images.file_names import printable
from hvit_edge.tasks.names import DETECT, EMBED, SEGMENT

BATCH = 32

if TYPE_CHECKING:
    from hvit_edge.evaluate.accuracy import Confusion, EvalReport


def add_arguments(parser: VerbParser) -> None:
    """Declare the options of `eval`."""
    parser.add_argument("artifact", metavar="ARTIFACT", help="a .pte or .mlpackage from `compile`")
    parser.add_argument(
        "data",
        metavar="DATA",
        help="NPZ file or image folder; for masks a folder with JPEGImages and SegmentationClass,"
        " for objects a JSON file of COCO",
    )
    parser.add_argument(
        "--limit",
        type=whole_number(1),
        metavar="N",
        help="at most N images, spread evenly over the data",
    )
    parser.add_argument(
        "--split",
        metavar="NAME",
        help="for masks: only the photos of DATA/ImageSets/Segmentation/NAME.txt, such as val"
        " (default: all label maps)",
    )
    parser.add_argument(
        "--images",
        metavar="DIR",
        help="for objects: the folder of the photos (default: next to the JSON file)",
    )
    parser.add_argument(
        "--against-eager",
        action="store_true",
        help="also run the PyTorch model, and report its accuracy and how often both agree",
    )
    parser.add_argument(
        "--weights",
        metavar="SOURCE",
        help="with --against-eager: source of the artifact's weights (default: as the artifact"
        " records it)",
    )
    add_made_by(parser)
    parser.add_argument(
        "--batch",
        type=whole_number(1),
        metavar="N",
        help="number of images that a worker classifies, and --resume records, at a time"
        " (default: 32)",
    )
    parser.add_argument(
        "--workers",
        type=whole_number(1),
        metavar="N",
        help="number of batches classified in parallel, each with a copy of the program; they share"
        " --threads (default: 1)",
    )
    parser.add_argument(
        "--resume",
        metavar="FILE",
        help="record every finished batch in FILE, and skip the batches already recorded there",
    )
    parser.add_argument(
        "--allow-empty",
        action="store_true",
        help="exit with 0 even if a class folder has no readable image",
    )
    add_answers(parser)
    add_method(parser, "the one that crops the least of each photo")
    add_device(parser)
    add_threads(parser)


def add_answers(parser: VerbParser) -> None:
    """Add `--answers`, the file of the answers to single images."""
    parser.add_argument(
        "--answers",
        metavar="FILE.jsonl",
        help="also write the answer to each image to FILE, as JSON lines; docs/evaluation.md lists"
        " the fields",
    )
    parser.add_argument("--force", action="store_true", help="replace an existing --answers file")


def execute(args: argparse.Namespace, console: Console) -> int:
    """Evaluate and print the accuracy."""
    if args.weights and not args.against_eager:
        raise InputError(
            "[hvit-edge eval] --weights: expected together with --against-eager, got it alone; add"
            " --against-eager"
        )
    if (args.model or args.arg) and not args.against_eager:
        raise InputError(
            "[hvit-edge eval] --model, --arg: expected together with --against-eager, got them"
            " alone; add --against-eager"
        )
    check_exists(args.artifact)
    with console.quiet():
        task = _task(args)
        if args.answers is not None:
            from hvit_edge.evaluate.answers import check_answers_file

            check_answers_file(args.answers, force=args.force)
    if task in (EMBED, SEGMENT, DETECT):
        return evaluate_task(args, task, console)
    module = made_by(args, "eval")
    with console.quiet():
        from hvit_edge.evaluate.accuracy import eager_reference, evaluate, refuse_empty
        from hvit_edge.evaluate.answers import write_answers

        eager = None
        if args.against_eager:
            eager = eager_reference(args.artifact, args.weights, **module, method=args.method)
        report = evaluate(
            args.artifact,
            args.data,
            limit=args.limit,
            threads=args.threads,
            batch=args.batch or BATCH,
            workers=args.workers or 1,
            resume=args.resume,
            eager=eager,
            progress=progress.bar("eval"),
            device=args.device,
            method=args.method,
            allow_empty=True,  # print the numbers first; the error comes at the end
        )
    if args.answers is not None:
        write_answers(args.answers, report, limit=args.limit, force=args.force)
    if args.format == "json":
        console.json(report.to_dict())
    else:
        console.print(_describe(report))
    for skipped in report.skipped:
        console.note(f"warning: skipped {printable(skipped.name)}: {skipped.reason}")
    if report.ignored.count:
        console.note(f"warning: ignored, no image by name or in no class folder: {report.ignored}")
    if args.allow_empty:
        for empty in report.empty_classes:
            console.note(f"warning: no readable image of class {empty}")
    else:
        refuse_empty(args.data, report.empty_classes)
    return 0


def _task(args: argparse.Namespace) -> str:
    """Return the task of the artifact.

    Raises:
        InputError: an option is given that only another task has.
    """
    from hvit_edge.devices.open_artifact import task_of

    task = task_of(args.artifact)
    for option, given, own in (("split", args.split, SEGMENT), ("images", args.images, DETECT)):
        if given is not None and task != own:
            raise InputError(
                f"[hvit-edge eval] --{option}: expected an artifact of the task {own}, got one of"
                f" the task {task}; leave it out"
            )
    return task


def _describe(report: EvalReport) -> str:
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

"""Measure the accuracy of an artifact on labeled images, with the C++ runtime.

The task of the artifact says what is measured. Classes: top-1 and top-5. Masks: mean IoU, with DATA
a folder in the layout of Pascal VOC. Objects: COCO's mAP, with DATA a JSON file of COCO.
Embeddings: how often the nearest images have the same class. A package runs in Core ML on a Mac,
and in the reference evaluator on other systems.

For classes and embeddings, DATA is an NPZ file (`images` uint8 [N, height, width, 3], `labels`) or
a folder with one subfolder per class. Images that cannot be read and files with other names are
skipped, and listed. Classes are also read from tar files of WebDataset and from Parquet files, one
or a folder of them. The exit code is 2 if a class folder has no readable image, unless
--allow-empty is given. An evaluation with --resume FILE continues when the same command is run
again.

--fail-if CONDITION exits with 3 if a number of the report is not as wanted. Names that conditions
may have are listed if an unknown one is used.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from hvit_edge.artifact.kinds import check_exists
from hvit_edge.cli.console import Console
from hvit_edge.cli.evaluate_run import run_evaluation
from hvit_edge.cli.evaluate_text import describe
from hvit_edge.cli.parser import (
    VerbParser,
    add_device,
    add_fail_if,
    add_made_by,
    add_method,
    add_threads,
    whole_number,
)
from hvit_edge.cli.ray_options import add_ray, check_ray
from hvit_edge.errors import InputError
from hvit_edge.images.file_names import printable
from hvit_edge.tasks.names import CLASSIFY, DETECT, SEGMENT

if TYPE_CHECKING:
    from hvit_edge.evaluate.report import EvalReport
    from hvit_edge.measures.conditions import Condition


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
    _add_results(parser)
    add_ray(
        parser,
        "spread the images over the workers of a Ray cluster, with --threads cores each (default"
        " 1); the report is the same",
    )
    add_method(parser, "the one that crops the least of each photo")
    add_device(parser, several=True)
    add_threads(parser)


def _add_results(parser: VerbParser) -> None:
    """Add the options that say what is done with the results."""
    parser.add_argument(
        "--against",
        metavar="OTHER",
        help="also evaluate another artifact on the same images, and test if ARTIFACT is worse:"
        " McNemar's test, and the drop with its interval by paired bootstrap",
    )
    add_fail_if(parser, "top1_drop > 0.5")
    parser.add_argument(
        "--answers",
        metavar="FILE.jsonl",
        help="also write the answer to each image to FILE, as JSON lines; docs/evaluation.md lists"
        " the fields",
    )
    parser.add_argument("--force", action="store_true", help="replace an existing --answers file")


def execute(args: argparse.Namespace, console: Console) -> int:
    """Evaluate and print the accuracy."""
    _check_options(args)
    check_exists(args.artifact)
    if args.against is not None:
        check_exists(args.against)
    with console.quiet():
        task = _task(args)
        conditions = _conditions(args, task)
        if args.answers is not None:
            from hvit_edge.evaluate.answers import check_answers_file

            check_answers_file(args.answers, force=args.force)
    evaluation = run_evaluation(args, task, console)
    report, comparison = evaluation.report, evaluation.comparison
    if args.format == "json":
        console.json(evaluation.to_dict())
    else:
        console.print(describe(report, comparison))
    for skipped in report.skipped:
        console.note(f"warning: skipped {printable(skipped.name)}: {skipped.reason}")
    if task == CLASSIFY:
        for device, reason in report.lost_devices.items():
            console.note(f"warning: lost {device}, whose images the others took: {reason}")
        _note_folders(args, report, console)
    if conditions:
        from hvit_edge.evaluate.numbers import numbers_of
        from hvit_edge.measures.conditions import refuse_if

        refuse_if(conditions, numbers_of(report, comparison))
    return 0


def _check_options(args: argparse.Namespace) -> None:
    """Raise InputError for options that need another one, or exclude one another."""
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
    if args.against is not None and args.against_eager:
        raise InputError(
            "[hvit-edge eval] expected --against or --against-eager, got both; compare with one of"
            " them at a time"
        )
    if args.on == "ray" and args.device != "local":
        raise InputError(
            f"[hvit-edge eval] --on ray: expected the device local, got {args.device}; leave out"
            " one of both"
        )
    check_ray(args, "eval")


def _conditions(args: argparse.Namespace, task: str) -> list[Condition]:
    """Return the conditions of `--fail-if`; refuse names that are not measured."""
    if not args.fail_if:
        return []
    from hvit_edge.evaluate.numbers import check_measured, known_numbers
    from hvit_edge.measures.conditions import parse_condition

    conditions = [parse_condition(text, known_numbers(task)) for text in args.fail_if]
    names = [name for each in conditions for name in each.names]
    check_measured(names, task, against=args.against is not None, against_eager=args.against_eager)
    return conditions


def _note_folders(args: argparse.Namespace, report: EvalReport, console: Console) -> None:
    """Print remarks on the folders of classes; raise InputError if one has no readable image."""
    from hvit_edge.evaluate.accuracy import refuse_empty

    if report.ignored.count:
        console.note(f"warning: ignored, no image by name or in no class folder: {report.ignored}")
    if args.allow_empty:
        for empty in report.empty_classes:
            console.note(f"warning: no readable image of class {empty}")
    else:
        refuse_empty(args.data, report.empty_classes)


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

"""Run photos or arrays in the C++ runtime; --self-test checks the artifact's golden sample.

The task of the artifact says what is printed: classes, an embedding, the share of each class in a
mask, or objects with their boxes. JSON has all of it: masks in COCO's compressed run lengths, boxes
as x, y, width, height in pixels. A package runs in Core ML on a Mac, and in the reference evaluator
on other systems. For a classifier with one output the value is printed.
"""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path

from hvit_edge.artifact.metadata import CLASSIFY, TENSOR
from hvit_edge.cli import text
from hvit_edge.cli.console import Console
from hvit_edge.cli.parser import (
    VerbParser,
    add_device,
    add_method,
    add_threads,
    share,
    whole_number,
)
from hvit_edge.cli.run_arrays import describe_self_test, run_arrays
from hvit_edge.cli.run_task import run_task
from hvit_edge.errors import InputError, ParityError
from hvit_edge.images.file_names import printable
from hvit_edge.tasks.names import DETECT, EMBED, SEGMENT

TOP_K = 5
_TAKES_PHOTOS = {CLASSIFY: "classifies", EMBED: "embeds", SEGMENT: "segments", DETECT: "searches"}


def add_arguments(parser: VerbParser) -> None:
    """Declare the options of `run`."""
    parser.add_argument("artifact", metavar="ARTIFACT", help="a .pte or .mlpackage from `compile`")
    parser.add_argument("photos", nargs="*", default=[], metavar="PHOTO", help="image files")
    parser.add_argument(
        "--input",
        metavar="NPZ|DIR",
        help="for an artifact of arrays, in place of photos: an NPZ file with an array for each"
        " input by name, with or without a leading sample axis, or a folder of such files",
    )
    parser.add_argument(
        "--output", type=Path, metavar="NPZ", help="with --input: also write all outputs to a file"
    )
    parser.add_argument(
        "--draw",
        type=Path,
        metavar="PICTURE|DIR",
        help="also draw masks or boxes over the photo, as PNG, JPEG or WebP; several photos need an"
        " existing folder, in which each gets PHOTO.png",
    )
    parser.add_argument(
        "--score-threshold",
        type=share,
        metavar="X",
        help="for objects: show those with a score above X, from 0 to 1 (default: 0.3)",
    )
    parser.add_argument(
        "--force", action="store_true", help="replace an existing --output or --draw"
    )
    parser.add_argument(
        "--top-k", type=whole_number(1), metavar="K", help=f"classes shown (default: {TOP_K})"
    )
    parser.add_argument(
        "--self-test",
        action="store_true",
        help="compare the output for the golden sample with PyTorch's; exit with 3 if it differs",
    )
    add_method(parser, "the one that crops the least of each photo")
    add_device(parser)
    add_threads(parser)


def execute(args: argparse.Namespace, console: Console) -> int:
    """Classify and print; a photo that cannot be read does not stop the others."""
    if not args.photos and not args.self_test and args.input is None:
        raise InputError(
            "[hvit-edge run] expected at least one PHOTO, --input or --self-test, got none"
        )
    if args.photos and args.input is not None:
        raise InputError(
            "[hvit-edge run] expected photos or --input, got both; an artifact takes either"
        )
    if args.output is not None and args.input is None:
        raise InputError("[hvit-edge run] --output: expected --input as well, got none")
    with console.quiet():
        task = _task(args)
    if task == TENSOR:
        return run_arrays(args, console)
    if task != CLASSIFY:
        return run_task(args, task, console)
    with console.quiet():
        from hvit_edge.artifact.kinds import is_package
        from hvit_edge.devices.open_artifact import open_classifier

        classifier = open_classifier(
            args.artifact, threads=args.threads, device=args.device, method=args.method
        )
        self_test = classifier.self_test() if args.self_test else None
        results = [_classify(classifier, photo, args.top_k or TOP_K) for photo in args.photos]
    if args.format == "json":
        console.json(_to_dict(args, classifier, results, self_test))
    else:
        if is_package(args.artifact) or args.device != "local":
            console.print(f"backend: {classifier.backend}")
        if self_test:
            console.print(describe_self_test(self_test))
        for photo, found in results:
            if not isinstance(found, InputError):
                console.print(_describe(photo, found, classifier.metadata.labels))
    failed = [error for _, error in results if isinstance(error, InputError)]
    for error in failed:
        console.note(f"error: {error}")
    if self_test and not self_test.passed:
        return ParityError.exit_code
    return InputError.exit_code if failed else 0


def _task(args: argparse.Namespace) -> str:
    """Return the task of the artifact.

    Raises:
        InputError: an option is given that the task does not have.
    """
    from hvit_edge.devices.open_artifact import task_of

    task = task_of(args.artifact)
    if args.input is not None and task != TENSOR:
        raise InputError(
            f"[hvit-edge run] --input: expected an artifact of arrays, got {args.artifact}, which"
            f" {_TAKES_PHOTOS[task]} photos; pass photos"
        )
    if args.photos and task == TENSOR:
        raise InputError(
            f"[hvit-edge run] expected --input FILE.npz, got photos: {args.artifact} takes arrays;"
            " in Python use Session, which takes and returns arrays"
        )
    if task in (TENSOR, CLASSIFY) and (args.draw is not None or args.score_threshold is not None):
        option = "--draw" if args.draw is not None else "--score-threshold"
        raise InputError(
            f"[hvit-edge run] {option}: expected an artifact that segments or detects, got one of"
            f" the task {task}; leave it out"
        )
    if args.top_k is not None and task != CLASSIFY:
        raise InputError(
            f"[hvit-edge run] --top-k: expected an artifact that classifies, got one of the task"
            f" {task}; leave it out"
        )
    return task


def _classify(classifier, photo: str, top_k: int) -> tuple[str, list | float | InputError]:
    """Return the photo and its predictions, the value of a model with one output, or the error."""
    from hvit_edge.preprocess import load_image

    try:
        image = load_image(photo)
        if classifier.classes == 1:
            return photo, float(classifier.logits(image)[0, 0])
        return photo, classifier(image, top_k=top_k)
    except InputError as error:
        return photo, error


def _to_dict(args: argparse.Namespace, classifier, results: list, self_test) -> dict:
    report = {
        "artifact": args.artifact,
        "model": classifier.metadata.model_name,
        "backend": classifier.backend,
        "results": [{"photo": photo, **_result(found)} for photo, found in results],
    }
    if self_test:
        report["self_test"] = asdict(self_test)
    return report


def _result(found: list | float | InputError) -> dict:
    if isinstance(found, InputError):
        return {"error": str(found)}
    if isinstance(found, float):
        return {"value": found}
    return {"predictions": [_prediction(one) for one in found]}


def _prediction(prediction) -> dict:
    return {"label": prediction.label, "index": prediction.index, "score": prediction.score}


def _describe(photo: str, predictions: list | float, labels: tuple[str, ...]) -> str:
    lines = [printable(photo)]
    if isinstance(predictions, float):
        return "\n".join([*lines, f"  {predictions:>8.6g}  {''.join(labels) or 'value'}"])
    for prediction in predictions:
        lines.append(f"  {text.percent(prediction.score):>8}  {prediction.label}")
    return "\n".join(lines)

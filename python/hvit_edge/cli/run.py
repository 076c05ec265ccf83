"""Classify photos with the C++ runtime; --self-test checks the artifact's golden sample.

A package runs in Core ML on a Mac, and in the reference evaluator on other systems. For a model
with one output, which is not a classifier, the value is printed.
"""

from __future__ import annotations

import argparse
from dataclasses import asdict

from hvit_edge.cli import text
from hvit_edge.cli.console import Console
from hvit_edge.cli.parser import VerbParser, add_device, add_threads, whole_number
from hvit_edge.errors import InputError, ParityError
from hvit_edge.images.file_names import printable


def add_arguments(parser: VerbParser) -> None:
    """Declare the options of `run`."""
    parser.add_argument("artifact", metavar="ARTIFACT", help="a .pte or .mlpackage from `compile`")
    parser.add_argument("photos", nargs="*", default=[], metavar="PHOTO", help="image files")
    parser.add_argument(
        "--top-k", type=whole_number(1), default=5, metavar="K", help="classes shown (default: 5)"
    )
    parser.add_argument(
        "--self-test",
        action="store_true",
        help="compare the output for the golden sample with PyTorch's; exit with 3 if it differs",
    )
    add_device(parser)
    add_threads(parser)


def execute(args: argparse.Namespace, console: Console) -> int:
    """Classify and print; a photo that cannot be read does not stop the others."""
    if not args.photos and not args.self_test:
        raise InputError("[hvit-edge run] expected at least one PHOTO or --self-test, got neither")
    with console.quiet():
        from hvit_edge.artifact.kinds import is_package
        from hvit_edge.devices.open_artifact import open_classifier

        classifier = open_classifier(args.artifact, threads=args.threads, device=args.device)
        self_test = classifier.self_test() if args.self_test else None
        results = [_classify(classifier, photo, args.top_k) for photo in args.photos]
    if args.format == "json":
        console.json(_to_dict(args, classifier, results, self_test))
    else:
        if is_package(args.artifact) or args.device != "local":
            console.print(f"backend: {classifier.backend}")
        if self_test:
            console.print(_describe_self_test(self_test))
        for photo, found in results:
            if not isinstance(found, InputError):
                console.print(_describe(photo, found, classifier.metadata.labels))
    failed = [error for _, error in results if isinstance(error, InputError)]
    for error in failed:
        console.note(f"error: {error}")
    if self_test and not self_test.passed:
        return ParityError.exit_code
    return InputError.exit_code if failed else 0


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


def _describe_self_test(result) -> str:
    return (
        f"self test {'passed' if result.passed else 'FAILED'}: max abs {result.max_abs:.2e},"
        f" max rel {result.max_rel:.2e}, top-1 {'agrees' if result.top1_agree else 'differs'}"
    )

"""Compare every step from eager PyTorch to the C++ runtime on real photos.

A package runs in Core ML on a Mac, and in the reference evaluator on other systems. The exit code
is 3 if a step differs by more than its precision or --rtol allows; the first such step is named.
SQNR, the signal-to-quantization-noise ratio, is for the logits of the last step over all photos.
For masks, boxes and embeddings every output is compared, and then the answers: the overlap of the
masks, the boxes that match at an IoU of 0.99, or the cosine.
"""

from __future__ import annotations

import argparse

from hvit_edge import progress
from hvit_edge.artifact.kinds import check_exists, is_package
from hvit_edge.artifact.metadata import CLASSIFY, TENSOR
from hvit_edge.cli import text
from hvit_edge.cli.console import Console
from hvit_edge.cli.fleet import add_logs, check_for_fleet, several_devices, validate_devices
from hvit_edge.cli.parser import (
    VerbParser,
    add_device,
    add_made_by,
    add_method,
    add_threads,
    add_weights_key,
    made_by,
    tolerance,
)
from hvit_edge.cli.self_test import self_test
from hvit_edge.errors import ParityError
from hvit_edge.images.file_names import printable

SHOWN_LAYERS = 10
FLOAT_STEPS = ("exported", "rewritten")
OF_ONE_DEVICE = ("weights", "weights_key", "model", "sample", "bisect", "self_test", "method")


def add_arguments(parser: VerbParser) -> None:
    """Declare the options of `validate`."""
    parser.add_argument("artifact", metavar="ARTIFACT", help="a .pte or .mlpackage from `compile`")
    parser.add_argument(
        "--data", metavar="DIR", help="photos, or an NPZ file (default: the bundled photos)"
    )
    parser.add_argument(
        "--sample",
        metavar="NPZ|DIR",
        help="for an artifact of arrays: samples to compare, in place of photos (default: its"
        " golden sample, and more random samples if that one is random)",
    )
    parser.add_argument(
        "--weights",
        metavar="SOURCE",
        help="source of the artifact's weights (default: as the artifact records it)",
    )
    add_weights_key(parser)
    add_made_by(parser)
    parser.add_argument(
        "--rtol",
        type=tolerance,
        metavar="X",
        help="largest allowed difference, relative to the largest absolute output of PyTorch;"
        " top-1 must also agree (default: by precision; fp32 1e-4)",
    )
    parser.add_argument(
        "--bisect",
        action="store_true",
        help="name the first module whose output differs; in a quantized program, the layer with"
        " the lowest SQNR",
    )
    parser.add_argument(
        "--self-test",
        action="store_true",
        help="compare only the output for the golden sample with PyTorch's stored one; needs no"
        " PyTorch",
    )
    add_method(parser, "each of them")
    add_device(parser, several=True)
    add_logs(parser)
    add_threads(parser)


def execute(args: argparse.Namespace, console: Console) -> int:
    """Validate and print the table of steps."""
    check_exists(args.artifact)
    if several_devices(args):
        check_for_fleet(
            args,
            "validate",
            "weights",
            "weights_key",
            "model",
            "sample",
            "bisect",
            "self_test",
            "method",
        )
        return validate_devices(args, console)
    if args.self_test:
        return self_test(args, console)
    module = made_by(args, "validate")
    with console.quiet():
        from hvit_edge.parity import validate

        report = validate(
            args.artifact,
            data=args.data,
            **module,
            weights=args.weights,
            weights_key=args.weights_key,
            rtol=args.rtol,
            threads=args.threads,
            bisect=args.bisect,
            device=args.device,
            progress=progress.counter("device", unit="photo"),
            **({"sample": args.sample} if args.sample else {}),
            **({"method": args.method} if args.method else {}),
        ).to_dict()
    if args.format == "json":
        console.json(report)
    else:
        reports = [report, *report.get("others", ())]
        console.print("\n\n".join(_describe(one, args) for one in reports))
    return 0 if report["passed"] else ParityError.exit_code


def _describe(report: dict, args: argparse.Namespace) -> str:
    worst = report["worst_image"]
    task = report.get("task", CLASSIFY)
    arrays, classes = task == TENSOR, task == CLASSIFY
    top1 = [("top-1 agrees", text.percent(report["top1_agreement"]))] if classes else []
    noun = "sample" if arrays else "photo"
    plural = "" if report["images"] == 1 else "s"
    lines = [
        f"{report['artifact']}{_method(report)}: {report['images']} {noun}{plural},"
        f" {report['precision']}, expected {report['tolerance']}",
        *([f"samples: {report['samples']}"] if arrays else []),
        *(f"skipped {printable(photo['name'])}: {photo['reason']}" for photo in report["skipped"]),
        "",
        text.parity_table(report["steps"]),
        "",
        text.fields(
            [
                *top1,
                *_answers(report.get("answers")),
                ("SQNR", text.decibel(report["sqnr_db"])),
                ("SQNR, centered", text.decibel(report["sqnr_centred_db"])),
                (f"worst {noun}", f"{printable(worst['name'])}, {text.decibel(worst['sqnr_db'])}"),
                *([("backend", report["backend"])] if is_package(report["artifact"]) else []),
                *_device(report["device"], classes=classes),
            ]
        ),
        *_layers(report["layers"], None if args.verbose else SHOWN_LAYERS),
    ]
    if report["first_break"]:
        lines += ["", f"The first step that breaks: {report['first_break']}"]
        if args.bisect:
            lines.append(_bisected(report))
    return "\n".join(lines)


def _answers(answers: dict | None) -> list[tuple[str, str]]:
    """Return the agreement of masks, boxes or embeddings as a field; empty for other tasks."""
    if answers is None:
        return []
    worst = f"worst photo {answers['worst']:.7f}"
    found = f"mean {answers['mean']:.7f}, {worst}"
    if answers["expected"] is not None:
        found = (
            f"{answers['matched']} of {answers['expected']} in PyTorch and {answers['found']} here,"
            f" lowest IoU {answers['worst_iou']:.4f}"
        )
    return [(answers["measure"], found)]


def _method(report: dict) -> str:
    return f", method {report['method']}" if report.get("method") else ""


def _device(device: dict | None, *, classes: bool) -> list[tuple[str, str]]:
    """Return fields on the device, and on its difference to this machine, also of top classes."""
    if device is None:
        return []
    host = device["against_host"]
    top1 = f", top-1 agrees {text.percent(host['top1_agree'])}" if classes else ""
    return [
        ("device", f"{device['name']}, {device['architecture']} {device['cpu']}".rstrip()),
        (
            "from this machine",
            f"max rel {host['max_rel']:.2e}{top1}",
        ),
    ]


def _layers(layers: list[dict], limit: int | None) -> list[str]:
    """Return the worst layers as lines of a table; empty if the artifact has no record."""
    if not layers:
        return []
    rows = [(x["layer"], x["precision"], text.decibel(x["sqnr_db"])) for x in layers[:limit]]
    more = len(layers) - len(rows)
    table = text.table(("layer, the worst first", "precision", "SQNR"), rows, left=(0, 1))
    return ["", table, *([f"  ... and {more} more; -v shows them"] if more else [])]


def _bisected(report: dict) -> str:
    layer, module = report["worst_layer"], report["first_module"]
    if layer and module:
        return f"The first layer that computes something other than its graph: {module}"
    if layer:
        return (
            f"The layer with the lowest SQNR: {layer['layer']} ({layer['precision']},"
            f" {text.decibel(layer['sqnr_db'])})"
        )
    if module:
        return f"The first module that differs: {module}"
    if is_package(report["artifact"]) and report["first_break"] not in FLOAT_STEPS:
        return "No module can be named inside a package, because it has no record of its layers"
    return "No module differs on its own, and the artifact has no record of its layers"

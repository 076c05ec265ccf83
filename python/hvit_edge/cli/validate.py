"""Compare every step from eager PyTorch to the C++ runtime on real photos.

Exit 3 where a step differs by more than --rtol; the first such step is named.
"""

from __future__ import annotations

import argparse

from hvit_edge.cli import text
from hvit_edge.cli.console import Console
from hvit_edge.cli.parser import VerbParser, add_threads, tolerance
from hvit_edge.errors import ParityError


def add_arguments(parser: VerbParser) -> None:
    """Declare the options of `validate`."""
    parser.add_argument("artifact", metavar="FILE.pte", help="an artifact from `compile`")
    parser.add_argument(
        "--data", metavar="DIR", help="photos, or an NPZ file (default: the bundled photos)"
    )
    parser.add_argument(
        "--weights",
        metavar="SOURCE",
        help="where the artifact's weights are (default: as it says itself)",
    )
    parser.add_argument(
        "--rtol",
        type=tolerance,
        default=1e-4,
        metavar="X",
        help="largest difference, relative to the largest absolute output of PyTorch"
        " (default: 1e-4)",
    )
    parser.add_argument(
        "--bisect",
        action="store_true",
        help="name the first module whose output differs",
    )
    add_threads(parser)


def execute(args: argparse.Namespace, console: Console) -> int:
    """Validate and print the table of steps."""
    with console.quiet():
        from hvit_edge.parity import validate

        report = validate(
            args.artifact,
            data=args.data,
            weights=args.weights,
            rtol=args.rtol,
            threads=args.threads,
            bisect=args.bisect,
        ).to_dict()
    if args.format == "json":
        console.json(report)
    else:
        console.print(_describe(report))
    return 0 if report["passed"] else ParityError.exit_code


def _describe(report: dict) -> str:
    lines = [
        f"{report['artifact']}: {report['images']} photos, tolerance {report['rtol']:g}",
        *(f"skipped {photo['name']}: {photo['reason']}" for photo in report["skipped"]),
        "",
        text.parity_table(report["steps"]),
    ]
    if report["first_break"]:
        lines += ["", f"The first step that breaks: {report['first_break']}"]
    if report.get("first_module"):
        lines.append(f"The first module that differs: {report['first_module']}")
    return "\n".join(lines)

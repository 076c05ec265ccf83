"""Write one page that shows the results of artifacts side by side.

FILE is an artifact, the JSON that inspect, validate, eval, bench or profile prints with --format
json, a file of `eval --answers`, or a peer's numbers. Results of the same artifact are shown
together. The page loads no other file, so it opens from disk. docs/report.md has an example.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from hvit_edge.cli.console import Console
from hvit_edge.cli.parser import VerbParser


def add_arguments(parser: VerbParser) -> None:
    """Declare the options of `report`."""
    parser.add_argument(
        "files", nargs="+", metavar="FILE", help="an artifact, or results of one, in JSON"
    )
    parser.add_argument(
        "-o", "--output", type=Path, required=True, metavar="FILE.html", help="the page"
    )
    parser.add_argument(
        "--data",
        metavar="DATA",
        help="path of the images of --answers (default: the path that was evaluated)",
    )
    parser.add_argument("--force", action="store_true", help="replace an existing page")


def execute(args: argparse.Namespace, console: Console) -> int:
    """Read the results and write the page."""
    with console.quiet():
        from hvit_edge.artifact.container import check_output, write_atomically
        from hvit_edge.report.page import render
        from hvit_edge.report.read_results import read_results

        check_output(args.output, force=args.force)
        results = read_results(args.files)
        page = render(results, data=args.data).encode()
        write_atomically(args.output, page, force=args.force)
    if args.format == "json":
        artifacts = [each.name for each in results]
        console.json({"path": str(args.output), "bytes": len(page), "artifacts": artifacts})
    else:
        console.print(f"{args.output}: {len(results)} artifacts, {len(page) / 2**20:.2f} MiB")
    return 0

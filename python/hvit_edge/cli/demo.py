"""Open a page that runs an artifact in the browser: photos, camera, latency and self-test.

The page is served to this machine alone, and no photo leaves the browser. It needs an artifact that
was compiled with --target native, and a browser with WebAssembly SIMD. Ctrl-C stops the server.
"""

from __future__ import annotations

import argparse
import webbrowser

from hvit_edge.cli.console import Console
from hvit_edge.cli.parser import VerbParser, whole_number


def add_arguments(parser: VerbParser) -> None:
    """Declare the options of `demo`."""
    parser.add_argument(
        "artifact", metavar="FILE.pte", help="a .pte from `compile --target native`"
    )
    parser.add_argument(
        "--port",
        type=whole_number(0, "0 (any that is free) or more"),
        default=0,
        metavar="N",
        help="the port of the page; with 0 one that is free (default: 0)",
    )
    parser.add_argument("--no-browser", action="store_true", help="do not open a browser")


def execute(args: argparse.Namespace, console: Console) -> int:
    """Serve until the user stops it."""
    from hvit_edge.demo.server import PageServer
    from hvit_edge.demo.site import collect

    with console.quiet():
        site = collect(args.artifact)
    with PageServer(site, args.port) as server:
        if args.format == "json":
            console.json({"artifact": args.artifact, "address": server.address})
        else:
            console.print(f"{args.artifact}: {server.address}\nCtrl-C stops the server.")
        console.flush()
        if not args.no_browser:
            webbrowser.open(server.address)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            return 0
    return 0

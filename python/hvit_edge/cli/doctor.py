"""Check this machine: versions, CPU, runtime, backends; and say how to mend what is wrong."""

from __future__ import annotations

import argparse

from hvit_edge.cli import text
from hvit_edge.cli.console import Console
from hvit_edge.cli.parser import VerbParser

SIGNS = {"ok": "ok", "warning": "warn", "failed": "FAIL"}


def add_arguments(parser: VerbParser) -> None:
    """`doctor` has no options of its own."""


def execute(args: argparse.Namespace, console: Console) -> int:
    """Print the checks; 2 where a required one failed."""
    with console.quiet():
        from hvit_edge.doctor import examine

        report = examine()
    if args.format == "json":
        console.json(report.to_dict())
    else:
        pairs = []
        for check in report.checks:
            mend = f"\nmend: {check.mend}" if check.mend else ""
            pairs.append((f"{SIGNS[check.state]:<4}  {check.name}", f"{check.found}{mend}"))
        console.print(text.fields(pairs))
        verdict = "ready" if report.healthy else "not ready: mend what is marked FAIL"
        console.print(f"\nThis machine is {verdict}.")
    return 0 if report.healthy else 2

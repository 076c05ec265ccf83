"""Check versions, CPU, runtime and backends of this machine, and say how to fix problems."""

from __future__ import annotations

import argparse

from hvit_edge.cli import text
from hvit_edge.cli.console import Console
from hvit_edge.cli.parser import VerbParser

SIGNS = {"ok": "ok", "warning": "warn", "failed": "FAIL"}


def add_arguments(parser: VerbParser) -> None:
    """Declare no options; `doctor` has only the common ones."""


def execute(args: argparse.Namespace, console: Console) -> int:
    """Print the checks; return 2 if a required one failed, otherwise 0."""
    with console.quiet():
        from hvit_edge.doctor import examine

        report = examine()
    if args.format == "json":
        console.json(report.to_dict())
    else:
        pairs = []
        for check in report.checks:
            remedy = f"\nfix: {check.mend}" if check.mend else ""
            pairs.append((f"{SIGNS[check.state]:<4}  {check.name}", f"{check.found}{remedy}"))
        console.print(text.fields(pairs))
        verdict = "ready" if report.healthy else "not ready: fix the checks marked FAIL"
        console.print(f"\nThis machine is {verdict}.")
    return 0 if report.healthy else 2

"""Measure the time of each operator, and name its module; with qemu:CPU count instructions."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from hvit_edge import progress
from hvit_edge.cli import text
from hvit_edge.cli.console import Console
from hvit_edge.cli.parser import VerbParser, add_device, add_runs, add_threads, whole_number

if TYPE_CHECKING:
    from hvit_edge.profile.profiling import Profile


def add_arguments(parser: VerbParser) -> None:
    """Declare the options of `profile`."""
    add_runs(parser, "timed runs; instructions are counted in one run")
    parser.add_argument(
        "--top",
        type=whole_number(1),
        default=20,
        metavar="N",
        help="operators in the table, the most expensive first; JSON and HTML have all"
        " (default: 20)",
    )
    parser.add_argument(
        "--html", type=Path, metavar="FILE", help="also write a flame chart to one HTML file"
    )
    parser.add_argument("--force", action="store_true", help="replace an existing flame chart")
    add_device(parser)
    add_threads(parser)


def execute(args: argparse.Namespace, console: Console) -> int:
    """Measure, print the tables, and write the flame chart."""
    with console.quiet():
        from hvit_edge.artifact.container import check_output, write_atomically
        from hvit_edge.profile.profiling import profile

        if args.html is not None:
            check_output(args.html, force=args.force)
        found = profile(
            args.artifact,
            iterations=args.iterations,
            warmup=args.warmup,
            threads=args.threads,
            device=args.device,
            progress=progress.counter("profile", unit="run"),
        )
        if args.html is not None:
            from hvit_edge.profile.flame_chart import render

            write_atomically(args.html, render(found).encode(), force=args.force)
    if args.format == "json":
        console.json(found.to_dict())
        return 0
    _print(found, args.top, console)
    if args.html is not None:
        console.print(f"\n  flame chart: {args.html}")
    return 0


def _print(found: Profile, top: int, console: Console) -> None:
    from hvit_edge.profile.flame_chart import amount, place_of
    from hvit_edge.profile.profiling import TIME, share

    timed = found.unit == TIME
    how = (
        f"medians of {found.iterations} runs after {found.warmup} of warmup, {found.threads}"
        " threads"
        if timed
        else "one inference on one thread"
    )
    console.print(f"{found.artifact} on {found.device}: {amount(found.total, found.unit)}, {how}\n")

    def cells(cost: float) -> tuple[str, str]:
        return f"{cost / 1e6:.3f}", text.percent(share(cost, found.total))

    ranked = sorted(found.operators, key=lambda each: -each.cost)
    rows = [(each.name, place_of(each), *cells(each.cost)) for each in ranked[:top]]
    if ranked[top:]:
        rest = sum(each.cost for each in ranked[top:])
        rows.append((f"{len(ranked) - top} more operators", "", *cells(rest)))
    rows.append(("outside of operators", "", *cells(found.outside)))
    cost = "ms" if timed else "M"
    console.print(text.table(("operator", "module", cost, "share"), rows, left=(0, 1)))
    groups: Counter[str] = Counter()
    for each in found.operators:
        groups[each.group] += each.cost
    console.print("")
    console.print(
        text.table(
            ("kind", cost, "share"),
            [(group, *cells(total)) for group, total in groups.most_common()],
        )
    )
    if found.outside_delegates:
        console.print("")
        console.print(_outside(found, cost, cells))


def _outside(found: Profile, cost: str, cells: Callable[[float], tuple[str, str]]) -> str:
    """Return a table of all operators outside the delegates, calls of one module together."""
    calls: Counter[tuple[str, str]] = Counter()
    costs: Counter[tuple[str, str]] = Counter()
    for each in found.outside_delegates:
        calls[each.name, each.module or ""] += 1
        costs[each.name, each.module or ""] += each.cost
    rows = [(*key, str(calls[key]), *cells(total)) for key, total in costs.most_common()]
    return text.table(("outside delegates", "module", "calls", cost, "share"), rows, left=(0, 1))

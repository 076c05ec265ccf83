"""Measure an artifact in a fresh process: load time, first run, latency, peak memory.

With --against OTHER, two artifacts are measured in alternating rounds and compared. --fail-if
CONDITION exits with 3 if a number of the report is not as wanted.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from hvit_edge import progress
from hvit_edge.cli import text
from hvit_edge.cli.console import Console
from hvit_edge.cli.fleet import add_logs, bench_devices, check_for_fleet, several_devices
from hvit_edge.cli.parser import (
    VerbParser,
    add_device,
    add_fail_if,
    add_method,
    add_runs,
    add_threads,
    whole_number,
)
from hvit_edge.errors import InputError
from hvit_edge.images.file_names import printable

if TYPE_CHECKING:
    from hvit_edge.profile.bench import BenchReport
    from hvit_edge.profile.bench_rounds import BenchComparison
    from hvit_edge.profile.instructions import Instructions


def add_arguments(parser: VerbParser) -> None:
    """Declare the options of `bench`."""
    add_runs(parser)
    parser.add_argument(
        "--against",
        metavar="OTHER",
        help="also measure another artifact, in alternating rounds, and compare the latencies",
    )
    parser.add_argument(
        "--rounds",
        type=whole_number(1),
        metavar="N",
        help="with --against: number of rounds, at least 6, which share --iterations (default: 10)",
    )
    add_fail_if(parser, "p95_ms > 30")
    parser.add_argument(
        "--count-instructions",
        action="store_true",
        help="also count the guest instructions of one inference, which do not depend on this"
        " machine; needs --device qemu:CPU",
    )
    add_method(parser, "the first one")
    add_device(parser, several=True)
    add_logs(parser)
    add_threads(parser)


def execute(args: argparse.Namespace, console: Console) -> int:
    """Measure an artifact and print the report."""
    _check_options(args)
    if several_devices(args):
        check_for_fleet(args, "bench", "against", "count_instructions", "fail_if", "method")
        return bench_devices(args, console)
    with console.quiet():
        from hvit_edge.measures.conditions import parse_condition, refuse_if
        from hvit_edge.profile.bench_numbers import known_numbers, numbers_of

        known = known_numbers(against=args.against is not None, counted=args.count_instructions)
        conditions = [parse_condition(text, known) for text in args.fail_if]
        found = _measure(args)
    if args.format == "json":
        console.json(found.to_dict())
    else:
        compared = args.against is not None
        _print(found.report if compared else found, console)
        if compared:
            console.print("")
            console.print(describe_rounds(found))
    refuse_if(conditions, numbers_of(found.to_dict()))
    return 0


def _check_options(args: argparse.Namespace) -> None:
    """Raise InputError for options that need another one, or exclude one another."""
    if args.rounds is not None and args.against is None:
        raise InputError(
            "[hvit-edge bench] --rounds: expected together with --against OTHER, got it alone; add"
            " it"
        )
    if args.against is not None and (args.device != "local" or args.count_instructions):
        raise InputError(
            "[hvit-edge bench] --against: expected neither --device nor --count-instructions, got"
            " both artifacts to compare; compare instructions of two runs, which repeat"
        )


def _measure(args: argparse.Namespace) -> BenchReport | BenchComparison:
    shared = {
        "iterations": args.iterations,
        "warmup": args.warmup,
        "threads": args.threads,
        "method": args.method,
    }
    if args.against is not None:
        from hvit_edge.profile.bench_rounds import ROUNDS, bench_against

        count = progress.counter("bench", unit="round")
        rounds = args.rounds or ROUNDS
        return bench_against(args.artifact, args.against, rounds=rounds, progress=count, **shared)
    from hvit_edge.profile.bench import bench

    return bench(
        args.artifact,
        device=args.device,
        count_instructions=args.count_instructions,
        progress=progress.counter("bench", unit="run"),
        **shared,
    )


def describe_rounds(found: BenchComparison) -> str:
    """Return the text of a comparison by rounds."""
    result = found.comparison
    sign = "slower" if result.ratio > 1 else "faster"
    pairs = [
        ("median", f"{found.report.latency_ms['p50']:.3f} ms"),
        ("median of the other", f"{found.baseline.latency_ms['p50']:.3f} ms"),
        (
            "ratio by rounds",
            f"{result.ratio:.3f}, {abs(result.ratio - 1):.1%} {sign}"
            f" ({result.coverage:.1%}: {result.low:.3f} to {result.high:.3f})",
        ),
        ("slower, faster", f"in {result.slower} and in {result.faster} rounds"),
        ("sign test", f"p = {result.p_value:.3g}"),
    ]
    rounds = len(found.rounds_ms)
    heading = f"against {printable(found.baseline.artifact)} in {rounds} rounds"
    return f"{heading}\n\n{text.fields(pairs)}"


def _print(report: BenchReport, console: Console) -> None:
    """Print the report of one artifact."""
    latency = report.latency_ms
    console.print(
        f"{report.artifact} on {report.device}: {report.iterations} runs after {report.warmup} of"
        f" warmup, {report.threads} threads\n"
    )
    console.print(
        text.table(
            ("latency", *(name.capitalize() for name in latency)),
            [("ms", *(f"{value:.3f}" for value in latency.values()))],
        )
    )
    console.print("")
    console.print(
        text.fields(
            [
                ("load, fresh process", f"{report.load_ms:.1f} ms"),
                ("first run", f"{report.first_run_ms:.1f} ms"),
                ("peak memory", f"{report.peak_memory_mib:.1f} MiB"),
                *_instruction_set(report.instruction_set),
                *_instructions(report.instructions),
            ]
        )
    )
    if report.instructions is not None:
        console.print("")
        console.print(kernels_table(report.instructions))
        console.print("")
        console.print(estimates_table(report.instructions))


def kernels_table(instructions: Instructions) -> str:
    """Return a table of instructions by kind of operator, the most expensive first.

    A line below it names operators of an unknown kind.
    """
    found = sorted(instructions.kernels.items(), key=lambda item: -item[1])
    rows = [
        (group, f"{count / 1e6:.2f} M", text.percent(count / instructions.total))
        for group, count in found
        if count
    ]
    table = text.table(("kernels", "instructions", "share"), rows)
    unknown = ", ".join(instructions.unknown)
    return f"{table}\n  other has operators of an unknown kind: {unknown}" if unknown else table


def estimates_table(instructions: Instructions) -> str:
    """Return a table of estimated milliseconds on Arm cores."""
    rows = [
        (
            f"{each.core}, {each.clock_ghz} GHz",
            f"{each.ms:.1f} ms",
            f"{each.error:.3g}x" if each.error else "unknown",
        )
        for each in instructions.estimates
    ]
    return text.table(("core", "ESTIMATED, not measured", "error up to"), rows)


def _instruction_set(name: str) -> list[tuple[str, str]]:
    return [("instruction set", name)] if name else []


def _instructions(instructions: Instructions | None) -> list[tuple[str, str]]:
    if instructions is None:
        return []
    return [("instructions of an inference", f"{instructions.total / 1e6:.1f} M")]

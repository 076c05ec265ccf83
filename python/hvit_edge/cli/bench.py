"""Measure an artifact in a fresh process: load time, first run, latency, peak memory."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from hvit_edge import progress
from hvit_edge.cli import text
from hvit_edge.cli.console import Console
from hvit_edge.cli.fleet import add_logs, bench_devices, check_for_fleet
from hvit_edge.cli.parser import VerbParser, add_device, add_method, add_runs, add_threads
from hvit_edge.devices.addresses import names_several

if TYPE_CHECKING:
    from hvit_edge.profile.instructions import Instructions


def add_arguments(parser: VerbParser) -> None:
    """Declare the options of `bench`."""
    add_runs(parser)
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
    if names_several(args.device):
        check_for_fleet(args, "bench", "count_instructions", "method")
        return bench_devices(args, console)
    with console.quiet():
        from hvit_edge.profile.bench import bench

        report = bench(
            args.artifact,
            iterations=args.iterations,
            warmup=args.warmup,
            threads=args.threads,
            device=args.device,
            count_instructions=args.count_instructions,
            method=args.method,
            progress=progress.counter("bench", unit="run"),
        )
    if args.format == "json":
        console.json(report.to_dict())
        return 0
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
    return 0


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

"""Print what `bench` and `validate` find on several devices."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from hvit_edge.cli import text
from hvit_edge.cli.console import Console
from hvit_edge.errors import DeviceError, InputError, ParityError

if TYPE_CHECKING:
    from hvit_edge.fleet.bench import FleetBench
    from hvit_edge.fleet.validate import FleetDevice


def add_logs(parser: argparse.ArgumentParser) -> None:
    """Add `--logs`."""
    parser.add_argument(
        "--logs",
        type=Path,
        metavar="DIR",
        help="with several devices: a folder that gets a log of each",
    )


def several_devices(args: argparse.Namespace) -> bool:
    """Return True if `--device` stands for several devices; imports numpy only if it is remote."""
    if args.device == "local":
        return False
    from hvit_edge.devices.addresses import names_several

    return names_several(args.device)


def check_for_fleet(args: argparse.Namespace, verb: str, *names: str) -> None:
    """Refuse options that have no meaning for several devices.

    Raises:
        InputError: one of `names` was given.
    """
    given = ["--" + name.replace("_", "-") for name in names if getattr(args, name, None)]
    if given:
        raise InputError(
            f"[{verb}] expected one device for {', '.join(given)}, got {args.device};"
            " name one device, or leave the option out"
        )


def bench_devices(args: argparse.Namespace, console: Console) -> int:
    """Measure on several devices, and print one table."""
    with console.quiet():
        from hvit_edge.devices.addresses import addresses_of
        from hvit_edge.fleet import bench_fleet

        found = bench_fleet(
            args.artifact,
            addresses_of(args.device),
            iterations=args.iterations,
            warmup=args.warmup,
            threads=args.threads,
            logs=args.logs,
        )
    if args.format == "json":
        console.json({"devices": [one.to_dict() for one in found]})
    else:
        head = (
            "device",
            "threads",
            "load ms",
            "p50 ms",
            "p90 ms",
            "p95 ms",
            "peak MiB",
            "last / first",
        )
        console.print(text.table(head, [_bench_row(one) for one in found]))
        notes = [f"{one.device}: {note}" for one in found for note in one.notes]
        console.print("\n".join(["", *notes]) if notes else "")
    return DeviceError.exit_code if any(one.report is None for one in found) else 0


def validate_devices(args: argparse.Namespace, console: Console) -> int:
    """Compare several devices with this machine, and print one table."""
    with console.quiet():
        from hvit_edge.devices.addresses import addresses_of
        from hvit_edge.fleet import validate_fleet

        report = validate_fleet(
            args.artifact,
            addresses_of(args.device),
            data=args.data,
            rtol=args.rtol,
            threads=args.threads,
            logs=args.logs,
        )
    if args.format == "json":
        console.json(report.to_dict())
    else:
        console.print(
            f"{report.artifact}: {report.samples} samples, compared with this machine, expected"
            f" {report.tolerance}\n"
        )
        head = ("device", "cpu", "max rel", "top-1 agrees", "")
        console.print(text.table(head, [_validate_row(one) for one in report.devices], left=(0, 1)))
        odd = [one.device for one in report.devices if one.odd]
        if odd:
            console.print(f"\nAnswers differently from the rest: {', '.join(odd)}")
        for one in report.devices:
            if one.error:
                console.print(f"\n{one.device}: {one.error}")
    if report.unreachable:
        return DeviceError.exit_code
    return 0 if report.passed else ParityError.exit_code


def _bench_row(one: FleetBench) -> tuple[str, ...]:
    report = one.report
    if report is None:
        return (one.device, *["-"] * 7)
    latency = report.latency_ms
    return (
        one.device,
        str(report.threads),
        f"{report.load_ms:.1f}",
        *(f"{latency[name]:.3f}" for name in ("p50", "p90", "p95")),
        f"{report.peak_memory_mib:.1f}",
        "-" if report.drift is None else f"{report.drift:.2f}",
    )


def _validate_row(one: FleetDevice) -> tuple[str, ...]:
    if one.difference is None:
        return (one.device, "-", "-", "-", "no answer")
    return (
        one.device,
        f"{one.architecture} {one.cpu}".rstrip(),
        f"{one.difference.max_rel:.2e}",
        "-" if one.top1_agree is None else text.percent(one.top1_agree),
        "ok" if one.passed else "DIFFERS",
    )

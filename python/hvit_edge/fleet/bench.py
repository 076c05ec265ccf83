"""Measure an artifact on several devices, and name those that slow down or get hot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hvit_edge.fleet.each_device import Done, Log, on_each
from hvit_edge.fleet.readings import Reading, read_device
from hvit_edge.profile.bench import BenchReport, bench

SLOWER = 1.1
"""A device slows down if its last runs take this many times as long as its first ones."""
LOWER_CLOCK = 0.9
"""A device is throttled if its clock falls to less than this share."""
HOTTER_C = 10.0
"""A device gets hot if its hottest sensor rises by this many degrees Celsius."""


@dataclass(frozen=True)
class FleetBench:
    """Holds the measurement of one device.

    Attributes:
        device: the address.
        report: the measurement; None if it failed.
        error: why it failed; empty if it did not.
        before, after: readings before and after the runs.
    """

    device: str
    report: BenchReport | None
    error: str = ""
    before: Reading = Reading()
    after: Reading = Reading()

    @property
    def notes(self) -> list[str]:
        """Return what a reader should know about the device; empty if nothing stands out."""
        if self.report is None:
            return [self.error]
        found, drift = [], self.report.drift
        if drift is not None and drift >= SLOWER:
            found.append(f"slows down: its last runs took {drift:.2f} times as long as its first")
        before, after = self.before, self.after
        if before.mhz and after.mhz and after.mhz < LOWER_CLOCK * before.mhz:
            found.append(
                f"is throttled: its clock fell from {before.mhz:.0f} to {after.mhz:.0f} MHz"
            )
        if before.celsius and after.celsius and after.celsius - before.celsius >= HOTTER_C:
            found.append(
                f"gets hot: from {before.celsius:.0f} to {after.celsius:.0f} degrees Celsius"
            )
        return found

    def to_dict(self) -> dict[str, object]:
        """Return the measurement as plain values."""
        return {
            "device": self.device,
            "error": self.error,
            "report": self.report.to_dict() if self.report else None,
            "before": vars(self.before),
            "after": vars(self.after),
            "notes": self.notes,
        }


def bench_fleet(
    artifact: str | Path,
    devices: Sequence[str],
    *,
    iterations: int = 100,
    warmup: int = 10,
    threads: int = 0,
    logs: Path | None = None,
) -> list[FleetBench]:
    """Measure an artifact on each device; see `profile.bench.bench`.

    Args:
        artifact: a `.pte` written by hvit-edge.
        devices: addresses, see `devices.addresses_of`.
        iterations, warmup, threads: see `bench`.
        logs: folder for a log of each device; None for none.

    Returns:
        One measurement for each device, in their order. A device that fails does not stop the
        others.
    """

    def measure(device: str, log: Log) -> tuple[Reading, BenchReport, Reading]:
        before = read_device(device)
        runs = {"iterations": iterations, "warmup": warmup}
        report = bench(artifact, **runs, threads=threads, device=device)
        after = read_device(device)
        log(f"p50 {report.latency_ms['p50']:.3f} ms, {before} before, {after} after")
        return before, report, after

    return [_measured(done) for done in on_each(devices, measure, logs)]


def _measured(done: Done[tuple[Reading, BenchReport, Reading]]) -> FleetBench:
    if done.result is None:
        return FleetBench(done.device, None, done.error)
    before, report, after = done.result
    return FleetBench(done.device, report, before=before, after=after)

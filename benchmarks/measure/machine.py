"""Describes the machine on which a benchmark was measured."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from datetime import datetime, timezone
from importlib.metadata import version
from pathlib import Path

PACKAGES = ("hvit-edge", "torch", "executorch")


def describe_machine(packages: Sequence[str] = PACKAGES) -> dict[str, object]:
    """Return CPU, cores, system, versions of `packages` and the date, as plain values."""
    cpu = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [x for x in cpuinfo.read_text().splitlines() if x.startswith("model name")]
        cpu = names[0].partition(":")[2].strip() if names else cpu
    return {
        "cpu": cpu,
        "architecture": platform.machine(),
        "cores": os.cpu_count(),
        "system": platform.system(),
        "python": platform.python_version(),
        "packages": {p: version(p) for p in packages},
        "date": datetime.now(timezone.utc).strftime("%Y-%m-%d"),
    }


def name_machine(report: dict) -> str:
    """Return the machine of a report, or all machines of its rows, in a few words."""
    days: dict[str, list[str]] = {}
    for m in report.get("machines") or [report["machine"]]:
        packages = ", ".join(f"{k} {v}" for k, v in m["packages"].items())
        name = f"{m['cpu']}, {m['architecture']}, {m['cores']} cores, {packages}"
        days.setdefault(name, []).append(m["date"])
    return "; ".join(f"{name}, {_span(dates)}" for name, dates in days.items())


def _span(dates: list[str]) -> str:
    first, last = min(dates), max(dates)
    return first if first == last else f"{first} to {last}"

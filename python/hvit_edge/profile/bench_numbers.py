"""Name the numbers of `bench` that conditions of `--fail-if` compare."""

from __future__ import annotations

from typing import Any

LATENCIES = ("avg", "p50", "p90", "p95", "p99", "min", "max", "std")
OWN = ("load_ms", "first_run_ms", "peak_memory_mib")
COUNTED = ("instructions",)
COMPARED = {
    "ratio": "ratio",
    "ratio_low": "low",
    "ratio_high": "high",
    "p_value": "p_value",
}
"""Names of a comparison by rounds, and the fields of it."""


def known_numbers(*, against: bool, counted: bool) -> tuple[str, ...]:
    """Return the names that conditions may have.

    Args:
        against: True if two artifacts are compared.
        counted: True if instructions are counted.
    """
    latencies = tuple(f"{name}_ms" for name in LATENCIES)
    more = (COUNTED if counted else ()) + (tuple(COMPARED) if against else ())
    return latencies + OWN + more


def numbers_of(values: dict[str, Any]) -> dict[str, float | None]:
    """Return the numbers of a report by name, from its plain values."""
    numbers = {f"{name}_ms": values["latency_ms"][name] for name in LATENCIES}
    numbers |= {name: values[name] for name in OWN}
    if values["instructions"] is not None:
        numbers["instructions"] = values["instructions"]["total"]
    if "comparison" in values:
        numbers |= {name: values["comparison"][field] for name, field in COMPARED.items()}
    return numbers

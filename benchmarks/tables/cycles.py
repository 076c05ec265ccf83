"""Render the tables of predicted cycles from results/cycles.json."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from loops.cores import CORES

from tables.markdown import markdown_table

OPERATIONS = (
    ("product", r"multiply(_half|_bf16)?"),
    ("int8 product", r"multiply_(int8|i8mm|dot)\w*"),
    ("depthwise", r"sum_windows\w*"),
    ("attention", r"attend\w*"),
    ("softmax", r"soften\w*"),
    ("activation", r"activate_sums|activate_\w+"),
    ("quantize", r"encode\w*"),
    ("range of a row", r"find_range\w*"),
    ("norm", r"normali[sz]e\w*"),
    ("sum", r"add_rows\w*"),
)
"""Operations and the functions that compute them; of several, the densest counts."""
ENOUGH = 0.8
"""Share of the bound below which a reason is given."""
LOADS, LATENCY = "loads", "latency"
Row = Mapping[str, object]


def cycles_table(architecture: str, report: dict) -> str:
    """Return one row for each operation of each instruction set, and one column for each core."""
    rows = [row for row in report["rows"] if row["architecture"] == architecture]
    modeled = {core for row in rows for core in row["cores"]}
    cores = [core.name for core in CORES if core.name in modeled]
    cells = [
        (
            instruction_set,
            operation,
            *(_cell(row, core) for core in cores),
            "; ".join(reasons(row)),
        )
        for instruction_set in dict.fromkeys(row["set"] for row in rows)
        for operation, row in operations(rows, instruction_set)
    ]
    note = (
        "Multiply-adds a cycle of the peak, and share of the bound, predicted by llvm-mca"
        f" {report['llvm']} from the object code, {report['machine']['date']}."
    )
    return markdown_table(("set", "loop", *cores, f"below {ENOUGH:.0%} of the bound"), cells, note)


def operations(rows: list[Row], instruction_set: str) -> Iterator[tuple[str, Row]]:
    """Yield the operations of a set in the order of `OPERATIONS`, each with its densest loop."""
    own = [row for row in rows if row["set"] == instruction_set]
    for operation, pattern in OPERATIONS:
        found = [row for row in own if re.fullmatch(pattern, row["function"])]
        if found:
            yield operation, max(found, key=lambda row: row["multiply_adds"] / row["instructions"])


def _cell(row: Row, core: str) -> str:
    if core not in row["cores"]:
        return ""
    share = f"{share_of_bound(row, core):.0%}"
    if not row["multiply_adds"]:
        return share
    found = row["cores"][core]
    return f"{row['multiply_adds'] / found['cycles']:.1f} of {found['peak']:.0f}, {share}"


def share_of_bound(row: Row, core: str) -> float:
    """Return the cycles that the busiest part of the core needs, relative to all cycles."""
    found = row["cores"][core]
    return found["bound"] / found["cycles"]


def reasons(row: Row) -> Iterator[str]:
    """Yield what slow loops wait for, with the cores.

    They wait for loads if they reach the bound without the loads, and otherwise for the results of
    arithmetic.
    """
    waiting: dict[str, list[str]] = {}
    for core, found in row["cores"].items():
        if share_of_bound(row, core) < ENOUGH:
            reason = LOADS if found["bound"] / found["without_loads"] >= ENOUGH else LATENCY
            waiting.setdefault(reason, []).append(core)
    for reason, cores in waiting.items():
        yield f"{reason}: {', '.join(cores)}"

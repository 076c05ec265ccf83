"""Render the tables of results/compile_times.json in Markdown."""

from __future__ import annotations

from measure.machine import name_machine

from tables.markdown import markdown_table

BASE = "base"
UNMEASURED = "Not measured yet on an idle machine."
ORDER = (
    "import torch",
    "import hvit-edge",
    "build",
    "calibrate",
    "export",
    "rewrite",
    "quantise",
    "lower",
    "write",
)


def times_table(report: dict) -> str:
    """Return one row per program: seconds, and the ratio to the base of its model."""
    base = {row["model"]: row for row in report["rows"] if row["target"] == BASE}
    header = (
        *("model", "target", "precision"),
        *("import torch, export", "compile", "ratio (least to most)"),
    )
    rows = [_times(row, base) for row in report["rows"] if row["target"] != BASE]
    return markdown_table(header, rows, _note(report))


def _times(row: dict, base: dict[str, dict]) -> tuple[str, ...]:
    what = (row["model"], row["target"], row["precision"])
    if "error" in row:
        return (*what, row["error"], "", "")
    return (
        *what,
        f"{base[row['model']]['seconds']:.1f} s",
        f"{row['seconds']:.1f} s",
        f"{row['ratio']:.2f} ({row['least']:.2f} to {row['most']:.2f})",
    )


def stages_table(report: dict) -> str:
    """Return one row per program: the seconds of each stage."""
    measured = [row for row in report["rows"] if "error" not in row]
    if not measured:
        return UNMEASURED
    found = {name for row in measured for name in row["stages"]}
    stages = [*(s for s in ORDER if s in found), *sorted(found.difference(ORDER))]
    rows = [
        (
            *(row["model"], row["target"], row["precision"]),
            *(f"{row['stages'][s]:.2f}" if s in row["stages"] else "" for s in stages),
        )
        for row in measured
    ]
    return markdown_table(("model", "target", "precision", *stages), rows)


def _note(report: dict) -> str:
    if not any("rounds" in row for row in report["rows"]):
        return UNMEASURED
    loads = [row["load"] for row in report["rows"]]
    rounds = [row["rounds"] for row in report["rows"] if "rounds" in row]
    span = f"{min(rounds)} to {max(rounds)}" if min(rounds) != max(rounds) else f"{min(rounds)}"
    return (
        f"Medians of {span} rounds, {report['threads']} threads. Load average before the models'"
        f" rounds {min(loads):.1f} to {max(loads):.1f}. {name_machine(report)}."
    )

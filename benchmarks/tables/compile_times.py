"""Render the tables of results/compile_times.json in Markdown."""

from __future__ import annotations

import re

from measure.machine import name_machine

from tables.markdown import markdown_table

BASE = "base"
UNMEASURED = "Not measured yet."
ORDER = (
    "import torch",
    "import torch.export",
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
    """Return one row per program: CPU seconds, the ratio to the base of its model, and memory."""
    base = {row["model"]: row for row in report["rows"] if row["target"] == BASE}
    header = (
        *("model", "target", "precision", "import torch, export", "compile"),
        *("ratio (least to most)", "peak memory (weights)", "ratio from the cache"),
    )
    rows = [_times(row, base) for row in report["rows"] if row["target"] != BASE]
    if not any("cached_ratio" in row for row in report["rows"]):
        header, rows = header[:-1], [row[:-1] for row in rows]
    return markdown_table(header, rows, _note(report))


def _times(row: dict, base: dict[str, dict]) -> tuple[str, ...]:
    what = (row["model"], row["target"], row["precision"])
    if "error" in row:
        return (*what, row["error"], "", "", "", "")
    of_base = base[row["model"]]
    return (
        *what,
        f"{of_base['seconds']:.1f} s",
        f"{row['seconds']:.1f} s",
        f"{row['ratio']:.2f} ({row['least']:.2f} to {row['most']:.2f})",
        f"{row['peak_mb']} MB ({of_base['weights_mb']:.0f})",
        f"{row['cached_ratio']:.2f}" if "cached_ratio" in row else "",
    )


def coverage_table(report: dict) -> str:
    """Return one row per third-party module: the ratio of each target to the base."""
    programs = [row for row in report["rows"] if row["target"] != BASE]
    if not programs:
        return UNMEASURED
    targets = list(dict.fromkeys(row["target"] for row in programs))
    cells = {(row["model"], row["target"]): _ratio(row) for row in programs}
    models = dict.fromkeys(row["model"] for row in programs)
    rows = [(model, *(cells.get((model, target), "") for target in targets)) for model in models]
    return markdown_table(("module", *targets), rows, _note(report))


def _ratio(row: dict) -> str:
    if "error" not in row:
        return f"{row['ratio']:.2f}"
    wrong = re.search(r"got (max_rel \S+)", row["error"])
    return f"refused: {wrong[1]}" if wrong else row["error"]


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
    of_rounds = "one round" if span == "1" else f"medians of {span} rounds"
    return (
        f"CPU seconds of one thread; {of_rounds}. Load average before the models'"
        f" rounds {min(loads):.1f} to {max(loads):.1f}. {name_machine(report)}."
    )

"""Render results/compile_int8.json in Markdown: int8 with 128 photos, before and after a change."""

from __future__ import annotations

from measure.machine import name_machine

from tables.markdown import markdown_table

UNMEASURED = "Not measured yet."
BASE = "base"
CODES = ("before", "after")


def compared_table(report: dict) -> str:
    """Return one row per program: seconds, their ratio to fp32, and peak memory."""
    rows: dict[tuple[str, str, str], dict[str, dict]] = {}
    for row in report["rows"]:
        if row["target"] != BASE:
            key = (row["model"], row["target"], row["precision"])
            rows.setdefault(key, {})[row["code"]] = row
    if not rows:
        return UNMEASURED
    header = (
        "model",
        "target",
        "precision",
        "CPU seconds",
        "times fp32",
        "on the clock",
        "times fp32",
        "peak MB",
    )
    cells = []
    for key, found in rows.items():
        floats = rows.get((*key[:2], "fp32"), {}) if key[2] != "fp32" else {}
        shown = [_figures(found[code], floats.get(code)) for code in CODES if code in found]
        cells.append(
            (*key, *(" to ".join(filter(None, part)) for part in zip(*shown, strict=True)))
        )
    return markdown_table(header, cells, _note(report))


def _figures(row: dict, of_float: dict | None) -> tuple[str, ...]:
    """Return what was measured of a program; `of_float` is the row of the same one in fp32."""
    if "error" in row:
        return row["error"], "", "", "", ""
    times = [_times(row, of_float, field) for field in ("seconds", "clock")]
    return (*times[0], *times[1], f"{row['peak_mb']:.0f}")


def _times(row: dict, of_float: dict | None, field: str) -> tuple[str, str]:
    """Return seconds, and their ratio to those of fp32, as far as they were measured."""
    if field not in row:
        return "", ""
    known = of_float is not None and field in of_float
    return f"{row[field]:.1f}", f"{row[field] / of_float[field]:.1f}" if known else ""


def _note(report: dict) -> str:
    loads = [row["load"] for row in report["rows"]]
    rounds = sorted({row["rounds"] for row in report["rows"] if "rounds" in row})
    return (
        "CPU seconds of one thread, seconds on the clock with all cores; rounds:"
        f" {' or '.join(map(str, rounds))}. Load average"
        f" {min(loads):.1f} to {max(loads):.1f}, which makes CPU seconds longer, too."
        f" {name_machine(report)}."
    )

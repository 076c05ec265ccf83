"""Render results/compile_int8.json in Markdown: int8 with 128 photos, before and after a change."""

from __future__ import annotations

from measure.machine import name_machine

from tables.markdown import markdown_table

UNMEASURED = "Not measured yet."
BASE = "base"
CODES = ("before", "after")


def compared_table(report: dict) -> str:
    """Return one row per program: CPU seconds, their ratio to fp32, and peak memory."""
    rows: dict[tuple[str, str, str], dict[str, dict]] = {}
    for row in report["rows"]:
        if row["target"] != BASE:
            key = (row["model"], row["target"], row["precision"])
            rows.setdefault(key, {})[row["code"]] = row
    if not rows:
        return UNMEASURED
    header = ("model", "target", "precision", "CPU seconds", "times fp32", "peak MB")
    cells = []
    for key, found in rows.items():
        floats = rows.get((*key[:2], "fp32"), {}) if key[2] != "fp32" else {}
        shown = [_figures(found[code], floats.get(code)) for code in CODES if code in found]
        cells.append(
            (*key, *(" to ".join(filter(None, part)) for part in zip(*shown, strict=True)))
        )
    return markdown_table(header, cells, _note(report))


def _figures(row: dict, of_float: dict | None) -> tuple[str, str, str]:
    """Return what was measured of a program; `of_float` is the row of the same one in fp32."""
    if "error" in row:
        return row["error"], "", ""
    known = of_float is not None and "seconds" in of_float
    ratio = f"{row['seconds'] / of_float['seconds']:.1f}" if known else ""
    return f"{row['seconds']:.1f}", ratio, f"{row['peak_mb']:.0f}"


def _note(report: dict) -> str:
    loads = [row["load"] for row in report["rows"]]
    rounds = sorted({row["rounds"] for row in report["rows"] if "rounds" in row})
    return (
        f"CPU seconds of one thread; rounds: {' or '.join(map(str, rounds))}. Load average"
        f" {min(loads):.1f} to {max(loads):.1f}, which makes CPU seconds longer, too."
        f" {name_machine(report)}."
    )

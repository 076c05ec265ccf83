"""Render the table of results/web.json in Markdown."""

from __future__ import annotations

from measure.machine import name_machine

from tables.markdown import markdown_table


def times_table(report: dict) -> str:
    """Return one row per artifact: both times and their ratio."""
    header = ("model", "precision", "input", "WebAssembly", "native x86-64", "ratio")
    return markdown_table(header, map(_row, report["rows"]), _note(report))


def _row(row: dict) -> tuple[str, ...]:
    height, width = row["input"]
    return (
        *(row["model"], row["precision"], f"{height}x{width}"),
        *(f"{row['web_ms']:.2f} ms", f"{row['native_ms']:.2f} ms"),
        f"{row['ratio']:.1f} ({row['least']:.1f} to {row['most']:.1f})",
    )


def _note(report: dict) -> str:
    first = report["rows"][0]
    best = next(f for f in ("avx512vnni", "avx2", "neon") if f in first["cpu_features"])
    return (
        f"One thread, CPU time of an inference without the preprocessing; the ratio is the median"
        f" of {first['rounds']} rounds in turns (least to most). Node {first['node']}; the native"
        f" runtime uses {best}. hvit_edge.wasm has {first['wasm_bytes'] / 1000:.0f} kB."
        f" {name_machine(report)}."
    )

"""Render the table of results/masks.json in Markdown."""

from __future__ import annotations

from measure.machine import name_machine

from tables.markdown import markdown_table


def masks_table(report: dict) -> str:
    """Return one row per artifact and size of photo: the network's time, and what its task adds."""
    header = ("model", "task", "precision", "photo", "network", "task adds", "share")
    return markdown_table(header, map(_row, report["rows"]), _note(report))


def _row(row: dict) -> tuple[str, ...]:
    return (
        *(row["model"], row["task"], row["precision"], f"{row['side']}x{row['side']}"),
        *(f"{row['network_ms']:.1f} ms", f"{row['added_ms']:.2f} ms", f"{row['ratio']:.1%}"),
    )


def _note(report: dict) -> str:
    first = report["rows"][0]
    return (
        f"One thread, CPU time, target {first['target']}, {first['instruction_set']}. The network"
        f" includes the preprocessing of the photo. Medians of {first['rounds']} rounds in turns;"
        f" the photos are noise. {name_machine(report)}."
    )

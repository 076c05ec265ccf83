"""Render the tables of the trained segmenter and detector in Markdown."""

from __future__ import annotations

from measure.machine import name_machine

from tables.markdown import markdown_table

EAGER = "eager"
MEASURES = {
    "segment": {"mean_iou": "mean IoU", "pixels": "right pixels"},
    "detect": {"map": "mAP", "map_50": "mAP at IoU 0.5"},
}


def points(share: float, other: float) -> float:
    """Return a difference in points, rounded to hundredths; never minus zero."""
    return round(100 * (share - other), 2) + 0.0


def accuracy_table(task: str, report: dict) -> str:
    """Return one row per program: its size, its measures, and the first one's loss."""
    rows = [row for row in report["results"] if row["task"] == task]
    (eager,) = [row for row in rows if row["precision"] == EAGER]
    measures = MEASURES[task]
    first = next(iter(measures))
    header = ("target", "precision", "file", *measures.values(), f"{measures[first]} against eager")
    cells = [
        (
            row["target"],
            row["precision"],
            f"{row['bytes'] / 1e6:.1f} MB" if "bytes" in row else "",
            *(f"{100 * row[measure]:.1f}" for measure in measures),
            "" if row is eager else f"{points(row[first], eager[first]):+.2f}",
        )
        for row in rows
    ]
    note = f"Percent and points, on {report['scenes']} scenes; {name_machine(report)}."
    return markdown_table(header, cells, note)

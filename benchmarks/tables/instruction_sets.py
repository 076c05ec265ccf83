"""Render results/instruction_sets.json and results/kernel_trials.json in Markdown."""

from __future__ import annotations

from measure.machine import name_machine

from tables.markdown import markdown_table


def times_table(report: dict) -> str:
    """Return one row for each instruction set and model."""
    header = ("instruction set", "model", "fp32", "int8", "int8 / fp32", "of fp32 peak")
    rows = [
        (
            *(row["set"], row["model"]),
            *(f"{row['fp32_ms']:.1f} ms", f"{row['int8_ms']:.1f} ms"),
            f"{row['int8_ms'] / row['fp32_ms']:.2f}",
            f"{row['share_of_fp32_peak']:.0%}",
        )
        for row in report["rows"]
    ]
    return markdown_table(header, rows, _note(report))


def trials_table(report: dict) -> str:
    """Return one row for each change and program."""
    header = ("change", "kept", "program", "set", "before", "after", "after / before")
    rows = [
        (
            *(row["change"], "yes" if row["kept"] else "no", row["program"], row["set"]),
            *(f"{row['before_ms']:.1f} ms", f"{row['after_ms']:.1f} ms"),
            f"{row['after_ms'] / row['before_ms']:.2f}",
        )
        for row in report["rows"]
    ]
    return markdown_table(header, rows, _note(report))


def _note(report: dict) -> str:
    loads = [row["load_average_before"] for row in report["rows"]]
    return (
        "One thread, batch 1; sums of each operation's least time, which other work on the machine"
        f" changes little. Load average before the rounds {min(loads)} to {max(loads)}."
        f" {name_machine(report)}."
    )

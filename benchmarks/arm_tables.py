"""The tables of docs/arm.md, from results/arm.json."""

from __future__ import annotations

from machine import name_machine

OURS = ("fp32", "fp16", "int8", "int8-dynamic")
STOCK = ("stock fp32", "stock int8")


def instructions_table(report: dict) -> str:
    """Millions of guest instructions, one row a model."""
    counts = {
        (row["model"], row["precision"]): row["instructions"]["total"]
        for row in report["rows"]
        if "instructions" in row
    }
    rows = ["| model | " + " | ".join((*OURS, *STOCK)) + " |", "|---|" + "---|" * 6]
    for model in dict.fromkeys(row["model"] for row in report["rows"]):
        cells = (counts.get((model, precision)) for precision in (*OURS, *STOCK))
        millions = (f"{cell / 1e6:.1f} M" if cell else "" for cell in cells)
        rows.append(f"| {model} | " + " | ".join(millions) + " |")
    devices = ", ".join(sorted({row["device"] for row in report["rows"]}))
    note = f"One inference, one thread, {devices}; empty: not measured, or it does not lower."
    return "\n".join([*rows, "", f"{note} {name_machine(report)}."])


def parity_table(report: dict) -> str:
    """Distance from PyTorch and from the same program here, one row a model and precision."""
    rows = [
        "| model | precision | from PyTorch | top-1 | from x86-64 | top-1 | file | peak memory |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in report["rows"]:
        if "max_rel" in row:
            rows.append(
                f"| {row['model']} | {row['precision']} | {row['max_rel']:.1e}"
                f" | {row['top1_agree']:.0%} | {row['host_max_rel']:.1e}"
                f" | {row['host_top1_agree']:.0%} | {row['bytes'] / 1e6:.1f} MB"
                f" | {row['peak_bytes_here'] / 1e6:.1f} MB |"
            )
    sizes = f"{report['runner_bytes'] / 1e6:.2f} MB and {report['library_bytes'] / 1e6:.1f} MB"
    note = (
        "Largest difference relative to the largest output, four photos. Peak memory is that of the"
        f" runner on x86-64 with its libraries. The runner and its libraries for aarch64: {sizes}."
    )
    return "\n".join([*rows, "", f"{note} {name_machine(report)}."])

"""Render the tables of results/quantization.json in Markdown."""

from __future__ import annotations

from measure.machine import name_machine

from tables.markdown import markdown_table


def trained_table(part: dict) -> str:
    """Return one row per trained model and precision."""
    header = ("model", "precision", "top-1", "agrees with float", "SQNR", "file", "finite")
    rows = [
        (
            report["model"],
            row["precision"],
            f"{row['top1']:.1%}",
            f"{row['agreement']:.1%}",
            decibel(row["sqnr_db"]),
            size(row),
            "yes" if row["finite"] else "NO",
        )
        for report in part["rows"]
        for row in report["results"]
    ]
    eager = ", ".join(f"{r['model']} {r['eager_top1']:.1%}" for r in part["rows"])
    note = f"Eager PyTorch in float32: {eager}; {name_machine(part)}."
    return markdown_table(header, rows, note)


def families_table(part: dict) -> str:
    """Return one row per family and precision."""
    header = ("model", "precision", "SQNR, centered", "SQNR", "file", "delegates")
    rows = [
        (
            report["model"],
            row["precision"],
            decibel(row["sqnr_centred_db"]),
            decibel(row["sqnr_db"]),
            size(row),
            str(row.get("delegates", "")),
        )
        for report in part["rows"]
        for row in report["results"]
    ]
    return markdown_table(header, rows)


def times_table(part: dict) -> str:
    """Return one row per family, with the time of each precision and its ratio to fp32."""
    precisions = [row["precision"] for row in part["rows"][0]["results"]]
    rows = [
        (
            report["model"],
            *(f"{row['ms']:.1f} ms ({row['ratio']:.2f})" for row in report["results"]),
        )
        for report in sorted(part["rows"], key=lambda row: row["model"])
    ]
    note = f"Medians, ratios to fp32 in the same round; {name_machine(part)}."
    return markdown_table(("model", *precisions), rows, note)


def profile_table(part: dict) -> str:
    """Return one row per kind of operator, with float32 and int8 of each model."""
    models = sorted(report["model"] for report in part["rows"])
    kinds = {
        (report["model"], row["what"]): row for report in part["rows"] for row in report["results"]
    }
    rows = [
        (what, *(f"{kinds[m, what]['fp32']:.1f}, {kinds[m, what]['int8']:.1f}" for m in models))
        for what in dict.fromkeys(what for _, what in kinds)
    ]
    totals = [
        [sum(row[p] for (of, _), row in kinds.items() if of == m) for p in ("fp32", "int8")]
        for m in models
    ]
    rows.append(("all", *(f"{a:.1f}, {b:.1f}" for a, b in totals)))
    note = f"Milliseconds in fp32, in int8; {name_machine(part)}."
    return markdown_table(("", *models), rows, note)


def ablation_table(part: dict) -> str:
    """Return one row per variant."""
    rows = [
        (
            row["what"],
            f"{row['top1']:.1%}",
            f"{row['agreement']:.1%}",
            decibel(row["sqnr_centred_db"]),
        )
        for row in part["rows"]
    ]
    return markdown_table(("what", "top-1", "agrees with float", "SQNR, centered"), rows)


def fidelity_table(report: dict) -> str:
    """Return how close programs are to their graphs, and graphs to eager PyTorch."""
    header = (
        "model",
        "program",
        "graph, eager",
        "top-1",
        "program, graph",
        "at least",
        "least layer",
    )
    rows = [
        (
            r["model"],
            r["program"],
            f"{r['graph_db']:.1f} dB",
            f"{r['graph_top1']:.0%}",
            f"{r['fidelity_db']:.1f} dB",
            f"{r['least_db']:.1f} dB",
            "" if r["layer_db"] is None else f"{r['layer_db']:.1f} dB",
        )
        for r in report["rows"]
    ]
    note = f"Random weights, the bundled photos; {name_machine(report)}."
    return markdown_table(header, rows, note)


def decibel(value: float | None) -> str:
    """Return a value in decibels; a program that is not finite has none."""
    return "none" if value is None else f"{value:.1f} dB"


def size(row: dict) -> str:
    """Return the megabytes of the artifact; a program that only ran in PyTorch has none."""
    return f"{row['bytes'] / 1e6:.2f} MB" if "bytes" in row else ""

"""Render the tables of results/quantization.json in Markdown."""

from __future__ import annotations

from machine import name_machine


def trained_table(part: dict) -> str:
    """Return one row per trained model and precision."""
    rows = [
        "| model | precision | top-1 | agrees with float | SQNR | file | finite |",
        "|---|---|---|---|---|---|---|",
    ]
    for report in part["rows"]:
        rows += [
            f"| {report['model']} | {row['precision']} | {row['top1']:.1%}"
            f" | {row['agreement']:.1%} | {decibel(row['sqnr_db'])} | {size(row)}"
            f" | {'yes' if row['finite'] else 'NO'} |"
            for row in report["results"]
        ]
    eager = ", ".join(f"{r['model']} {r['eager_top1']:.1%}" for r in part["rows"])
    return "\n".join([*rows, "", f"Eager PyTorch in float32: {eager}; {name_machine(part)}."])


def families_table(part: dict) -> str:
    """Return one row per family and precision."""
    rows = [
        "| model | precision | SQNR, centered | SQNR | file | delegates |",
        "|---|---|---|---|---|---|",
    ]
    for report in part["rows"]:
        rows += [
            f"| {report['model']} | {row['precision']} | {decibel(row['sqnr_centred_db'])}"
            f" | {decibel(row['sqnr_db'])} | {size(row)} | {row.get('delegates', '')} |"
            for row in report["results"]
        ]
    return "\n".join(rows)


def times_table(part: dict) -> str:
    """Return one row per family, with the time of each precision and its ratio to fp32."""
    precisions = [row["precision"] for row in part["rows"][0]["results"]]
    rows = [
        "| model | " + " | ".join(precisions) + " |",
        "|---" * (1 + len(precisions)) + "|",
    ]
    for report in sorted(part["rows"], key=lambda row: row["model"]):
        cells = [f"{row['ms']:.1f} ms ({row['ratio']:.2f})" for row in report["results"]]
        rows.append(f"| {report['model']} | " + " | ".join(cells) + " |")
    return "\n".join(
        [*rows, "", f"Medians, ratios to fp32 in the same round; {name_machine(part)}."]
    )


def profile_table(part: dict) -> str:
    """Return one row per kind of operator, with float32 and int8 of each model."""
    models = sorted(report["model"] for report in part["rows"])
    kinds = {
        (report["model"], row["what"]): row for report in part["rows"] for row in report["results"]
    }
    rows = ["| | " + " | ".join(models) + " |", "|---|" + "---|" * len(models)]
    for what in dict.fromkeys(what for _, what in kinds):
        cells = [f"{kinds[m, what]['fp32']:.1f}, {kinds[m, what]['int8']:.1f}" for m in models]
        rows.append(f"| {what} | " + " | ".join(cells) + " |")
    totals = [
        [sum(row[p] for (of, _), row in kinds.items() if of == m) for p in ("fp32", "int8")]
        for m in models
    ]
    rows.append("| all | " + " | ".join(f"{a:.1f}, {b:.1f}" for a, b in totals) + " |")
    return "\n".join([*rows, "", f"Milliseconds in fp32, in int8; {name_machine(part)}."])


def ablation_table(part: dict) -> str:
    """Return one row per variant."""
    rows = ["| what | top-1 | agrees with float | SQNR, centered |", "|---|---|---|---|"]
    rows += [
        f"| {row['what']} | {row['top1']:.1%} | {row['agreement']:.1%}"
        f" | {decibel(row['sqnr_centred_db'])} |"
        for row in part["rows"]
    ]
    return "\n".join(rows)


def decibel(value: float | None) -> str:
    """Return a value in decibels; a program that is not finite has none."""
    return "none" if value is None else f"{value:.1f} dB"


def size(row: dict) -> str:
    """Return the megabytes of the artifact; a program that only ran in PyTorch has none."""
    return f"{row['bytes'] / 1e6:.2f} MB" if "bytes" in row else ""


def fidelity_table(report: dict) -> str:
    """Return how close programs are to their graphs, and graphs to eager PyTorch."""
    rows = [
        "| model | program | graph, eager | top-1 | program, graph | at least | least layer |",
        "|---|---|---|---|---|---|---|",
    ]
    for r in report["rows"]:
        layer = "" if r["layer_db"] is None else f"{r['layer_db']:.1f} dB"
        rows.append(
            f"| {r['model']} | {r['program']} | {r['graph_db']:.1f} dB | {r['graph_top1']:.0%} |"
            f" {r['fidelity_db']:.1f} dB | {r['least_db']:.1f} dB | {layer} |"
        )
    return "\n".join([*rows, "", f"Random weights, the bundled photos; {name_machine(report)}."])

"""Render the tables of results/coreml.json in Markdown."""

from __future__ import annotations

from measure.machine import name_machine

from tables.markdown import markdown_table


def operators_table(part: dict) -> str:
    """Return one row per model with all operators, and those that only move data."""
    header = (
        "model",
        "operators, coremltools",
        "hvit-edge",
        "transposes + reshapes, coremltools",
        "hvit-edge",
    )
    rows = []
    for row in part["rows"]:
        stock, ours = row["stock"], row["ours"]
        count, moves = ("fails", "") if "error" in stock else (str(stock["all"]), _moves(stock))
        rows.append((row["model"], count, str(ours["all"]), moves, _moves(ours)))
    return markdown_table(header, rows)


def models_table(part: dict) -> str:
    """Return one row per model with both float precisions on the bundled photos."""
    header = (
        "model",
        "fp16: cosine",
        "top-1",
        "file",
        "compile",
        "evaluate a photo",
        "fp32: max rel",
    )
    rows = [
        (
            row["model"],
            f"{row['fp16']['cosine']:.6f}",
            f"{row['fp16']['top1_agreement']:.0%}",
            f"{row['fp16']['bytes'] / 1e6:.1f} MB",
            f"{row['fp16']['compile_seconds']:.0f} s",
            f"{row['fp16']['photo_seconds']:.2f} s",
            f"{row['fp32']['max_rel']:.1e}",
        )
        for row in part["rows"]
    ]
    note = f"Random weights, four photos, the worst of each; {name_machine(part)}."
    return markdown_table(header, rows, note)


def precisions_table(part: dict) -> str:
    """Return the sizes, with one row per precision."""
    rows = [(row["precision"], f"{row['bytes'] / 1e6:.2f} MB") for row in part["rows"]]
    return markdown_table(("precision", "file"), rows)


def bundled_table(part: dict) -> str:
    """Return the accuracy, with one row per precision."""
    rows = [
        (
            row["precision"],
            f"{row['top1']:.1%}",
            f"{row['agreement']:.1%}",
            f"{row['bytes'] / 1e6:.2f} MB",
        )
        for row in part["rows"]
    ]
    eager = part["rows"][0]["eager_top1"]
    note = f"Eager PyTorch {eager:.1%}; {name_machine(part)}."
    return markdown_table(("precision", "top-1", "agrees with float", "file"), rows, note)


def _moves(counts: dict) -> str:
    return str(counts["transpose"] + counts["reshape"])

"""Render the tables of results/coreml.json in Markdown."""

from __future__ import annotations

from machine import name_machine


def operators_table(part: dict) -> str:
    """Return one row per model with all operators, and those that only move data."""
    rows = [
        "| model | operators, coremltools | hvit-edge | transposes + reshapes, coremltools"
        " | hvit-edge |",
        "|---|---|---|---|---|",
    ]
    for row in part["rows"]:
        stock, ours = row["stock"], row["ours"]
        theirs = ("fails", "") if "error" in stock else (stock["all"], _moves(stock))
        rows.append(
            f"| {row['model']} | {theirs[0]} | {ours['all']} | {theirs[1]} | {_moves(ours)} |"
        )
    return "\n".join(rows)


def models_table(part: dict) -> str:
    """Return one row per model with both float precisions on the bundled photos."""
    rows = [
        "| model | fp16: cosine | top-1 | file | compile | evaluate a photo | fp32: max rel |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in part["rows"]:
        half, single = row["fp16"], row["fp32"]
        rows.append(
            f"| {row['model']} | {half['cosine']:.6f} | {half['top1_agreement']:.0%}"
            f" | {half['bytes'] / 1e6:.1f} MB | {half['compile_seconds']:.0f} s"
            f" | {half['photo_seconds']:.2f} s | {single['max_rel']:.1e} |"
        )
    return "\n".join(
        [*rows, "", f"Random weights, four photos, the worst of each; {name_machine(part)}."]
    )


def precisions_table(part: dict) -> str:
    """Return the sizes, with one row per precision."""
    rows = ["| precision | file |", "|---|---|"]
    rows += [f"| {row['precision']} | {row['bytes'] / 1e6:.2f} MB |" for row in part["rows"]]
    return "\n".join(rows)


def bundled_table(part: dict) -> str:
    """Return the accuracy, with one row per precision."""
    rows = ["| precision | top-1 | agrees with float | file |", "|---|---|---|---|"]
    rows += [
        f"| {row['precision']} | {row['top1']:.1%} | {row['agreement']:.1%}"
        f" | {row['bytes'] / 1e6:.2f} MB |"
        for row in part["rows"]
    ]
    eager = part["rows"][0]["eager_top1"]
    return "\n".join([*rows, "", f"Eager PyTorch {eager:.1%}; {name_machine(part)}."])


def _moves(counts: dict) -> int:
    return counts["transpose"] + counts["reshape"]

"""Render the tables of docs/models.md in Markdown."""

from __future__ import annotations

from measure.machine import name_machine

from tables.markdown import markdown_table


def parity_table(report: dict) -> str:
    """Return one row per model: size, delegates, and the worst relative difference at each step."""
    header = (
        "model",
        "parameters",
        "input",
        "file",
        "XNNPACK delegates",
        "operators outside",
        "rewritten",
        "lowered",
        "C++ runtime",
        "top-1",
    )
    photos = report["results"][0]["photos"]
    note = (
        "rewritten, lowered, C++ runtime: largest difference from eager PyTorch on"
        f" {photos} photos, relative to its largest output. Random weights; {name_machine(report)}."
    )
    return markdown_table(header, map(_parity_cells, report["results"]), note)


def _parity_cells(result: dict) -> list[str]:
    steps = result["steps"]
    agrees = all(step["top1_agree"] for step in steps.values())
    return [
        result["model"],
        f"{result['params'] / 1e6:.1f} M",
        f"{result['input_size'][0]} x {result['input_size'][1]}",
        f"{result['bytes'] / 1e6:.1f} MB",
        str(result["delegates"]),
        str(result["ops_outside"]),
        *(f"{steps[name]['max_rel']:.1e}" for name in ("rewritten", "lowered", "runtime")),
        "agrees" if agrees else "DIFFERS",
    ]


def against_stock_table(report: dict) -> str:
    """Return one row per model: both times and their ratio."""
    rows = [
        (
            r["model"],
            f"{r['ours_ms']:.1f} ms",
            f"{r['stock_ms']:.1f} ms",
            f"{r['ratio']:.2f} ({r['ratio_p10']:.2f} to {r['ratio_p90']:.2f})",
        )
        for r in report["results"]
    ]
    header = ("model", "hvit-edge", "stock", "ratio (10 to 90 %)")
    return markdown_table(header, rows, f"Medians, float32, batch 1; {name_machine(report)}.")


def bundled_table(report: dict) -> str:
    """Return the accuracy of the bundled classifier."""
    rows = [
        (
            r["data"],
            str(r["images"]),
            f"{r['eager_top1']:.1%}",
            f"{r['top1']:.1%}",
            f"{r['agreement']:.1%}",
        )
        for r in report["results"]
    ]
    header = ("data", "images", "eager PyTorch", "C++ runtime", "same class")
    return markdown_table(header, rows, f"Top-1; {name_machine(report)}.")

"""Render the committed results into the tables of README and docs, and the figures of docs.

python benchmarks/readme_tables.py            # writes them
python benchmarks/readme_tables.py --check    # exits with 1 if they are not up to date
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import arm_tables
import coreml_tables
import coverage_tables
import peers_plot
import peers_tables
import quantization_tables
from contestants import MODELS
from machine import name_machine

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results"


def parity_table(report: dict) -> str:
    """Return one row per model: size, delegates, and the worst relative difference at each step."""
    rows = [
        "| model | parameters | input | file | XNNPACK delegates | operators outside"
        " | rewritten | lowered | C++ runtime | top-1 |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for result in report["results"]:
        steps = result["steps"]
        differences = " | ".join(
            f"{steps[name]['max_rel']:.1e}" for name in ("rewritten", "lowered", "runtime")
        )
        agrees = all(step["top1_agree"] for step in steps.values())
        rows.append(
            f"| {result['model']} | {result['params'] / 1e6:.1f} M"
            f" | {result['input_size'][0]} x {result['input_size'][1]}"
            f" | {result['bytes'] / 1e6:.1f} MB | {result['delegates']} | {result['ops_outside']}"
            f" | {differences} | {'agrees' if agrees else 'DIFFERS'} |"
        )
    photos = report["results"][0]["photos"]
    note = (
        "rewritten, lowered, C++ runtime: largest difference from eager PyTorch on"
        f" {photos} photos, relative to its largest output. Random weights; {name_machine(report)}."
    )
    return "\n".join([*rows, "", note])


def against_stock_table(report: dict) -> str:
    """Return one row per model: both times and their ratio."""
    rows = ["| model | hvit-edge | stock | ratio (10 to 90 %) |", "|---|---|---|---|"]
    rows += [
        f"| {r['model']} | {r['ours_ms']:.1f} ms | {r['stock_ms']:.1f} ms"
        f" | {r['ratio']:.2f} ({r['ratio_p10']:.2f} to {r['ratio_p90']:.2f}) |"
        for r in report["results"]
    ]
    return "\n".join([*rows, "", f"Medians, float32, batch 1; {name_machine(report)}."])


def bundled_table(report: dict) -> str:
    """Return the accuracy of the bundled classifier."""
    rows = ["| data | images | eager PyTorch | C++ runtime | same class |", "|---|---|---|---|---|"]
    rows += [
        f"| {r['data']} | {r['images']} | {r['eager_top1']:.1%} | {r['top1']:.1%}"
        f" | {r['agreement']:.1%} |"
        for r in report["results"]
    ]
    return "\n".join([*rows, "", f"Top-1; {name_machine(report)}."])


def part_table(part: str, table: Callable[[dict], str], results: dict) -> str:
    """Return the table of one part of a results file."""
    return table(results[part])


TABLES: dict[str, dict[str, tuple[str, Callable[[dict], str]]]] = {
    "README.md": {
        "overview": ("peers", peers_tables.overview_table),
    },
    "docs/models.md": {
        "parity": ("parity", parity_table),
        "bundled": ("bundled", bundled_table),
        "against_stock": ("against_stock", against_stock_table),
    },
    "docs/quantization.md": {
        "peers_int8": ("peers", peers_tables.int8_table),
        "fidelity": ("fidelity", quantization_tables.fidelity_table),
        **{
            part: ("quantization", partial(part_table, part, table))
            for part, table in {
                "trained": quantization_tables.trained_table,
                "families": quantization_tables.families_table,
                "times": quantization_tables.times_table,
                "profile": quantization_tables.profile_table,
                "ablation": quantization_tables.ablation_table,
            }.items()
        },
    },
    "docs/arm.md": {
        "arm_accuracy": ("arm_accuracy", arm_tables.accuracy_table),
        "arm_instructions": ("arm", arm_tables.instructions_table),
        "arm_estimates": ("arm", arm_tables.estimates_table),
        "cores": ("cores", arm_tables.cores_table),
        "arm_groups": ("arm_groups", arm_tables.groups_table),
        "rewrites": ("rewrites", arm_tables.rewrites_table),
        "arm_peers": ("arm", arm_tables.peers_table),
        "arm_parity": ("arm", arm_tables.parity_table),
    },
    "docs/coreml.md": {
        f"coreml_{part}": ("coreml", partial(part_table, part, table))
        for part, table in {
            "operators": coreml_tables.operators_table,
            "models": coreml_tables.models_table,
            "precisions": coreml_tables.precisions_table,
            "bundled": coreml_tables.bundled_table,
        }.items()
    },
    "docs/coverage.md": {
        "coverage_summary": ("coverage", coverage_tables.summary_table),
        "coverage_xnnpack": ("coverage", partial(coverage_tables.delegate_table, "xnnpack")),
        "coverage_native": ("coverage", partial(coverage_tables.delegate_table, "native")),
        "coverage_coreml": ("coverage", coverage_tables.core_ml_table),
        "coverage_times": ("coverage_times", coverage_tables.times_table),
        "coverage_refusals": ("coverage", coverage_tables.refusals_table),
    },
    "docs/performance.md": {
        "peers_summary": ("peers", peers_tables.summary_table),
        **{
            f"peers_{model}": ("peers", partial(peers_tables.model_table, model))
            for model in MODELS
        },
        "roofline": ("peers", peers_tables.roofline_table),
    },
}
FIGURES = {"docs/peers.svg": ("peers", peers_plot.figure)}


def render(document: str) -> str:
    """Return the text of `document` with all tables rendered again."""
    text = (ROOT / document).read_text()
    for name, (results, table) in TABLES[document].items():
        report = read(results)
        before, opening, rest = text.partition(f"<!-- table: {name} -->\n")
        _, closing, after = rest.partition("<!-- end -->")
        if not closing:
            raise SystemExit(
                f"[readme_tables] {document}: expected a table {name!r}, got none;"
                f" add the lines <!-- table: {name} --> and <!-- end -->"
            )
        text = f"{before}{opening}{table(report)}\n{closing}{after}"
    return text


def read(results: str) -> dict:
    """Read a committed results file."""
    return json.loads((RESULTS / f"{results}.json").read_text())


def main() -> None:
    """Write the documents, or check them."""
    figures = {file: figure(read(results)) for file, (results, figure) in FIGURES.items()}
    for document, rendered in {**{file: render(file) for file in TABLES}, **figures}.items():
        path = ROOT / document
        if "--check" not in sys.argv[1:]:
            path.write_text(rendered)
        elif rendered != path.read_text():
            sys.exit(
                f"[readme_tables] {document}: expected the figures of benchmarks/results, got"
                " others; run python benchmarks/readme_tables.py"
            )


if __name__ == "__main__":
    main()

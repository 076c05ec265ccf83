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

from peers.contestants import MODELS
from tables import (
    arm,
    compile_int8,
    compile_times,
    coreml,
    coverage,
    cycles,
    deployed_sizes,
    instruction_sets,
    masks,
    models,
    peers,
    peers_plot,
    quantization,
    shapes,
    web,
)

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results"


def part_table(part: str, table: Callable[[dict], str], results: dict) -> str:
    """Return the table of one part of a results file."""
    return table(results[part])


TABLES: dict[str, dict[str, tuple[str, Callable[[dict], str]]]] = {
    "README.md": {
        "overview": ("peers", peers.overview_table),
    },
    "docs/models.md": {
        "parity": ("parity", models.parity_table),
        "bundled": ("bundled", models.bundled_table),
        "against_stock": ("against_stock", models.against_stock_table),
    },
    "docs/quantization.md": {
        "peers_int8": ("peers", peers.int8_table),
        "fidelity": ("fidelity", quantization.fidelity_table),
        **{
            part: ("quantization", partial(part_table, part, table))
            for part, table in {
                "trained": quantization.trained_table,
                "families": quantization.families_table,
                "times": quantization.times_table,
                "profile": quantization.profile_table,
                "ablation": quantization.ablation_table,
            }.items()
        },
    },
    "docs/frames.md": {
        "masks": ("masks", masks.masks_table),
    },
    "docs/arm.md": {
        "arm_accuracy": ("arm_accuracy", arm.accuracy_table),
        "arm_instructions": ("arm", partial(arm.instructions_table, arm.A76)),
        "armv8.6_instructions": ("arm", partial(arm.instructions_table, arm.ARMV8_6)),
        "arm_start": ("cold_start", arm.start_table),
        "arm_estimates": ("arm", arm.estimates_table),
        "cores": ("cores", arm.cores_table),
        "cache_misses": ("cache_misses", arm.misses_table),
        "arm_groups": ("arm_groups", arm.groups_table),
        "rewrites": ("rewrites", arm.rewrites_table),
        "cycles_arm": ("cycles", partial(cycles.cycles_table, "aarch64")),
        "arm_peers": ("arm", arm.peers_table),
        "arm_parity": ("arm", arm.parity_table),
    },
    "docs/coreml.md": {
        f"coreml_{part}": ("coreml", partial(part_table, part, table))
        for part, table in {
            "operators": coreml.operators_table,
            "models": coreml.models_table,
            "precisions": coreml.precisions_table,
            "bundled": coreml.bundled_table,
        }.items()
    },
    "docs/embedding.md": {
        "libraries": ("deployed_sizes", deployed_sizes.libraries_table),
        "environments": ("deployed_sizes", deployed_sizes.environments_table),
        "android": ("deployed_sizes", deployed_sizes.android_table),
    },
    "docs/coverage.md": {
        "coverage_summary": ("coverage", coverage.summary_table),
        "coverage_xnnpack": ("coverage", partial(coverage.delegate_table, "xnnpack")),
        "coverage_native": ("coverage", partial(coverage.delegate_table, "native")),
        "coverage_coreml": ("coverage", coverage.core_ml_table),
        "coverage_times": ("coverage_times", coverage.times_table),
        "coverage_refusals": ("coverage", coverage.refusals_table),
    },
    "docs/tasks.md": {
        "shapes_segment": ("shapes", partial(shapes.accuracy_table, "segment")),
        "shapes_detect": ("shapes", partial(shapes.accuracy_table, "detect")),
    },
    "docs/web.md": {
        "web": ("web", web.times_table),
    },
    "docs/performance.md": {
        "peers_summary": ("peers", peers.summary_table),
        **{f"peers_{model}": ("peers", partial(peers.model_table, model)) for model in MODELS},
        "roofline": ("peers", peers.roofline_table),
        "cycles_x86": ("cycles", partial(cycles.cycles_table, "x86_64")),
        "instruction_sets": ("instruction_sets", instruction_sets.times_table),
        "kernel_trials": ("kernel_trials", instruction_sets.trials_table),
        "compile_times": ("compile_times", compile_times.times_table),
        "compile_stages": ("compile_times", compile_times.stages_table),
        "compile_int8": ("compile_int8", compile_int8.compared_table),
        "compile_coverage": ("compile_coverage", compile_times.coverage_table),
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

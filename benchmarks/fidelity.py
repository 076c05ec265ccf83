"""Compare each program with its quantized graph, and the graph with eager PyTorch.

    python benchmarks/fidelity.py PHOTOS [--models swin_t ...] [--programs "native int8" ...]

The programs are the registered families with random weights, in every target and every precision
that rounds. int8 is calibrated on PHOTOS. The figures are those that `compile` measures on the
bundled photos before it writes a program. A program takes up to a minute to compile, and its row is
written when it is done.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from measure.rows import put_row

import hvit_edge

RESULTS = Path(__file__).resolve().parent / "results" / "fidelity.json"
MODELS = ("mobilevit_xs", "conformer_ti", "shunted_t", "swin_t")
PROGRAMS = (
    "xnnpack fp16",
    "xnnpack int8",
    "xnnpack int8 arm",
    "xnnpack int8-dynamic",
    "native fp16",
    "native int8",
    "native int8 arm",
    "native int8-dynamic",
    "coreml fp16",
    "coreml w8",
    "coreml w6",
    "coreml w4",
    "coreml int8",
)
CALIBRATED = "int8"
SAMPLES = 32


def main() -> None:
    """Compile the programs, and write the measurements of their gates."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photos", type=Path)
    parser.add_argument("--models", nargs="+", default=MODELS, choices=MODELS)
    parser.add_argument("--programs", nargs="+", default=PROGRAMS, choices=PROGRAMS)
    args = parser.parse_args()
    for model in args.models:
        for program in args.programs:
            key = {"model": model, "program": program}
            put_row(RESULTS, key, _measured(model, program, args.photos), _place, photos=SAMPLES)


def _measured(model: str, program: str, photos: Path) -> dict[str, object]:
    target, precision, *cpu = program.split()
    calibration = {"calib_data": photos, "calib_samples": SAMPLES}
    with tempfile.TemporaryDirectory() as folder:
        suffix = ".mlpackage" if target == "coreml" else ".pte"
        report = hvit_edge.compile(
            model,
            weights="random",
            target=target,
            precision=precision,
            cpu=cpu[0] if cpu else None,
            output=Path(folder, f"a{suffix}"),
            **(calibration if precision == CALIBRATED else {}),
        ).report
    steps = {step.name: step for step in report.steps}
    graph, fidelity = steps["quantised"], steps["fidelity"]
    return {
        "graph_db": graph.sqnr_db,
        "graph_top1": graph.top1_agreement,
        "fidelity_db": fidelity.sqnr_db,
        "least_db": fidelity.tolerance.sqnr_db,
        "layer_db": fidelity.layer_db,
        "seconds": report.seconds,
    }


def _place(row: dict) -> tuple[int, int]:
    return MODELS.index(row["model"]), PROGRAMS.index(row["program"])


if __name__ == "__main__":
    main()

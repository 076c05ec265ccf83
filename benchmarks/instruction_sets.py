"""Time native programs on each instruction set of this machine, float32 beside int8.

    python benchmarks/instruction_sets.py RUNNER MODEL FP32.pte INT8.pte [--sets avx2 avx512]

RUNNER is the program `hvit_edge_runner`. All sets and precisions take turns, on one thread. A time
is the sum of each operation's least time (`measure/least_times.py`), and the share of the peak
compares with `roofline/roofline.cpp` on one thread. Rows go to results/instruction_sets.json.
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path

from measure.least_times import Build, least_times
from measure.rows import put_row
from roofline import measure_roofline, share_of_peak

RESULTS = Path(__file__).resolve().parent / "results"
ROUNDS = 4


def main() -> None:
    """Measure one model, and store a row for each set."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runner", type=Path, metavar="RUNNER")
    parser.add_argument("model", metavar="MODEL")
    parser.add_argument("artifacts", nargs=2, type=Path, metavar="ARTIFACT.pte")
    parser.add_argument("--sets", nargs="+", default=["avx2", "avx512"])
    args = parser.parse_args()
    load = round(os.getloadavg()[0], 1)
    peak = measure_roofline(1)["gigaflops"]
    builds = {
        f"{name} {precision}": Build(args.runner, artifact, name)
        for name in args.sets
        for precision, artifact in zip(("fp32", "int8"), args.artifacts, strict=True)
    }
    times = least_times(builds, ROUNDS)
    work = multiply_adds_of(args.model)
    for name in args.sets:
        fp32, int8 = times[f"{name} fp32"], times[f"{name} int8"]
        found = {
            "fp32_ms": round(fp32, 2),
            "int8_ms": round(int8, 2),
            "peak_gigaflops": peak,
            "share_of_fp32_peak": round(share_of_peak(work, fp32, peak), 3),
            "load_average_before": load,
        }
        put_row(
            RESULTS / "instruction_sets.json", {"model": args.model, "set": name}, found, _place
        )


def _place(row: dict) -> tuple[str, str]:
    return (row["set"], row["model"])


def multiply_adds_of(model: str) -> int:
    """Return the multiply-adds of a model, as results/peers.json has counted them."""
    rows = json.loads((RESULTS / "peers.json").read_text())["rows"]
    return next(row["multiply_adds"] for row in rows if row["model"] == model)


if __name__ == "__main__":
    main()

"""Compare a build of the runner that has a change of the kernels with one that lacks it.

    python benchmarks/kernel_trials.py "CHANGE IN A FEW WORDS" BEFORE AFTER ARTIFACT.pte ...
        [--set avx2] [--kept]

BEFORE and AFTER are two builds of `hvit_edge_runner`, which take turns on one thread. A time is the
sum of each operation's least time (`measure/least_times.py`). Changes that gained nothing are
stored, too. Rows go to results/kernel_trials.json.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from measure.least_times import Build, least_times
from measure.rows import put_row

RESULTS = Path(__file__).resolve().parent / "results" / "kernel_trials.json"
ROUNDS = 4


def main() -> None:
    """Measure the two builds with each artifact, and store a row for each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("change", metavar="CHANGE")
    parser.add_argument("before", type=Path, metavar="BEFORE")
    parser.add_argument("after", type=Path, metavar="AFTER")
    parser.add_argument("artifacts", nargs="+", type=Path, metavar="MODEL-PRECISION.pte")
    parser.add_argument("--set", default="avx2")
    parser.add_argument("--kept", action="store_true", help="the change is in the code")
    args = parser.parse_args()
    for artifact in args.artifacts:
        load = round(os.getloadavg()[0], 1)
        builds = {"before": args.before, "after": args.after}
        times = least_times(
            {name: Build(runner, artifact, args.set) for name, runner in builds.items()}, ROUNDS
        )
        key = {"change": args.change, "program": artifact.stem, "set": args.set}
        found = {
            "kept": args.kept,
            **{f"{name}_ms": round(ms, 2) for name, ms in times.items()},
            "load_average_before": load,
        }
        put_row(RESULTS, key, found, _place)


def _place(row: dict) -> tuple[str, str, str]:
    return (row["change"], row["set"], row["program"])


if __name__ == "__main__":
    main()

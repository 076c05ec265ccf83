"""Count guest instructions by kind of XNNPACK operator, on aarch64 in QEMU.

    python benchmarks/arm_groups.py FOLDER [--models ...] [--precisions ...] [--cpu cortex-a76]

Run `make arm` first. FOLDER contains the artifacts of arm.py. Each row is written to
results/arm_groups.json when it is measured.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from arm import compile_ours
from measure.rows import put_row

from hvit_edge.profile.instructions import instructions_of

RESULTS = Path(__file__).parent / "results" / "arm_groups.json"
MODELS = ("mobilevit_xxs", "mobilevit_xs")
PRECISIONS = ("fp32", "int8")


def main() -> None:
    """Count the requested programs row by row."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--models", nargs="+", default=MODELS, choices=MODELS)
    parser.add_argument("--precisions", nargs="+", default=PRECISIONS, choices=PRECISIONS)
    parser.add_argument("--cpu", default="cortex-a76")
    args = parser.parse_args()
    args.folder.mkdir(parents=True, exist_ok=True)
    for name in args.models:
        for precision in args.precisions:
            artifact = args.folder / f"{name} {precision}.pte"
            if not artifact.exists():
                compile_ours(name, precision, artifact)
            record(name, precision, artifact, f"qemu:{args.cpu}")


def record(name: str, precision: str, artifact: Path, address: str) -> None:
    """Put one row into the results file; it replaces an older row of the same program."""
    key = {"model": name, "precision": precision, "device": address}
    counted = instructions_of(artifact, address)
    found = {
        "total": counted.total,
        "operators": len(counted.operators),
        "kernels": counted.kernels,
        "unknown": list(counted.unknown),
    }
    put_row(RESULTS, key, found, _place)


def _place(row: dict[str, object]) -> tuple[int, int, str]:
    return MODELS.index(row["model"]), PRECISIONS.index(row["precision"]), row["device"]


if __name__ == "__main__":
    main()

"""Guest instructions by kind of XNNPACK operator, on aarch64 in QEMU; `make arm` first.

    python benchmarks/arm_groups.py FOLDER [--models ...] [--precisions ...] [--cpu cortex-a76]

FOLDER keeps the artifacts, which are those of arm.py. Rows go to results/arm_groups.json as they
are measured.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from arm import compile_ours
from machine import describe_machine

from hvit_edge.devices.instructions import instructions_of

RESULTS = Path(__file__).parent / "results" / "arm_groups.json"
MODELS = ("mobilevit_xxs", "mobilevit_xs")
PRECISIONS = ("fp32", "int8")


def main() -> None:
    """Count what was asked for, row by row."""
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
    """Put one row into the results file, in place of an older one of the same program."""
    key = {"model": name, "precision": precision, "device": address}
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {"rows": []}
    rows = [row for row in results["rows"] if any(row[k] != v for k, v in key.items())]
    counted = instructions_of(artifact, address)
    row = {
        **key,
        "total": counted.total,
        "operators": len(counted.operators),
        "kernels": counted.kernels,
        "unknown": list(counted.unknown),
    }
    rows = sorted([*rows, row], key=_place)
    results = {"machine": describe_machine(), "rows": rows}
    RESULTS.write_text(json.dumps(results, indent=2) + "\n")
    print(json.dumps(row), flush=True)


def _place(row: dict[str, object]) -> tuple[int, int, str]:
    return MODELS.index(row["model"]), PRECISIONS.index(row["precision"]), row["device"]


if __name__ == "__main__":
    main()

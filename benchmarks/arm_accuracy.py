"""Accuracy of the bundled classifier shaped for any CPU and for Arm, through the C++ runtime here.

    python benchmarks/arm_accuracy.py CIFAR10_CALIB.npz CIFAR10_TEST.npz

The files have `images` uint8 [N, 32, 32, 3] and `labels`; CIFAR-10 is not part of this repository.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from bundled import accuracy
from machine import describe_machine

from hvit_edge.targets.choices import CPUS

RESULTS = Path(__file__).parent / "results" / "arm_accuracy.json"
PRECISIONS = ("fp32", "fp16", "int8")
CALIBRATION_IMAGES = 512


def main() -> None:
    """Measure and write JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("calib", type=Path, metavar="CIFAR10_CALIB.npz")
    parser.add_argument("data", type=Path, metavar="CIFAR10_TEST.npz")
    args = parser.parse_args()
    rows = [
        measure(cpu, precision, args.calib, args.data) for precision in PRECISIONS for cpu in CPUS
    ]
    report = {"machine": describe_machine(), "results": rows}
    RESULTS.write_text(json.dumps(report, indent=2) + "\n")


def measure(cpu: str, precision: str, calib: Path, data: Path) -> dict[str, object]:
    """Compile for `cpu`, and classify every image of `data`."""
    given = {"calib_data": calib, "calib_samples": CALIBRATION_IMAGES}
    options = given if precision == "int8" else {}
    found = accuracy(data, precision=precision, cpu=cpu, **options)
    return {"precision": precision, "cpu": cpu, **found}


if __name__ == "__main__":
    main()

"""Measure the accuracy of the bundled classifier, compiled for any CPU and for Arm.

    python benchmarks/arm_accuracy.py CIFAR10_CALIB.npz CIFAR10_TEST.npz

XNNPACK's programs run in the C++ runtime on this machine. Native programs run in QEMU, whose
Cortex-A76 computes in float16 where this machine does not (run `make arm` first). The files have
`images` uint8 [N, 32, 32, 3] and `labels`; CIFAR-10 is not part of this repository.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from bundled import accuracy
from measure.machine import describe_machine

from hvit_edge.devices import LOCAL
from hvit_edge.precision import CPUS

RESULTS = Path(__file__).parent / "results" / "arm_accuracy.json"
PRECISIONS = ("fp32", "fp16", "int8")
HERE, THERE = LOCAL, "qemu:cortex-a76"
PROGRAMS = (
    *(("xnnpack", precision, cpu, HERE) for precision in PRECISIONS for cpu in CPUS),
    *(("native", precision, None, THERE) for precision in PRECISIONS),
    ("native", "int8", "arm", THERE),
)
"""Each entry has target, precision, --cpu, and the device."""
CALIBRATION_IMAGES = 512


def main() -> None:
    """Measure all programs and write JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("calib", type=Path, metavar="CIFAR10_CALIB.npz")
    parser.add_argument("data", type=Path, metavar="CIFAR10_TEST.npz")
    args = parser.parse_args()
    rows = [measure(*program, args.calib, args.data) for program in PROGRAMS]
    report = {"machine": describe_machine(), "results": rows}
    RESULTS.write_text(json.dumps(report, indent=2) + "\n")


def measure(
    target: str, precision: str, cpu: str | None, device: str, calib: Path, data: Path
) -> dict[str, object]:
    """Compile a program, and classify every image of `data`."""
    given = {"calib_data": calib, "calib_samples": CALIBRATION_IMAGES}
    options = given if precision == "int8" else {}
    options |= {"target": target, "precision": precision, "cpu": cpu}
    found = accuracy(data, device, **options)
    return {"target": target, "precision": precision, "cpu": cpu, "device": device, **found}


if __name__ == "__main__":
    main()

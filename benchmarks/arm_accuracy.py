"""Accuracy of the bundled classifier shaped for any CPU and for Arm, through the C++ runtime here.

    python benchmarks/arm_accuracy.py CIFAR10_CALIB.npz CIFAR10_TEST.npz

The files have `images` uint8 [N, 32, 32, 3] and `labels`; CIFAR-10 is not part of this repository.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

import torch
from machine import describe_machine

import hvit_edge
from hvit_edge.evaluate import evaluate
from hvit_edge.progress import bar
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
    with tempfile.TemporaryDirectory() as folder:
        rows = [
            measure(cpu, precision, args.calib, args.data, Path(folder))
            for precision in PRECISIONS
            for cpu in CPUS
        ]
    report = {"machine": describe_machine(), "results": rows}
    RESULTS.write_text(json.dumps(report, indent=2) + "\n")


def measure(cpu: str, precision: str, calib: Path, data: Path, folder: Path) -> dict[str, object]:
    """Compile for `cpu`, and classify every image of `data`."""
    model = hvit_edge.create_model("mobilevit_xxs", weights="cifar10")

    def eager(image):
        with torch.inference_mode():
            return model(torch.from_numpy(model.hvit_edge.preprocess(image))).numpy()

    given = {"calib_data": calib, "calib_samples": CALIBRATION_IMAGES}
    path = hvit_edge.compile(
        model,
        precision=precision,
        cpu=cpu,
        output=folder / f"{precision} {cpu}.pte",
        **(given if precision == "int8" else {}),
    ).path
    report = evaluate(path, data, eager=eager, progress=bar("eval"))
    return {
        "precision": precision,
        "cpu": cpu,
        "data": data.name,
        "images": report.images,
        "top1": report.top1,
        "eager_top1": report.eager_top1,
        "agreement": report.agreement,
    }


if __name__ == "__main__":
    main()

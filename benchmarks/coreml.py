"""Measure Core ML packages: operators compared with coremltools, parity, sizes and accuracy.

    python benchmarks/coreml.py operators
    python benchmarks/coreml.py models
    python benchmarks/coreml.py precisions
    python benchmarks/coreml.py bundled CALIBRATION.npz TEST.npz

Programs run in the reference evaluator, on any system. NPZ files have `images` uint8
[N, 32, 32, 3] and `labels` of CIFAR-10, which is not part of this repository. Each part has its own
key in results/coreml.json.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import coremltools as ct
import torch
from measure.machine import describe_machine
from torch import nn

import hvit_edge
from hvit_edge.compiler.compile_model import compile as compile_model
from hvit_edge.devices.open_artifact import open_classifier
from hvit_edge.evaluate.accuracy import eager_reference, evaluate
from hvit_edge.models import list_models
from hvit_edge.parity import validate
from hvit_edge.preprocess import load_image
from hvit_edge.targets.coreml.build import quiet
from hvit_edge.weights import bundled_photos

RESULTS = Path(__file__).resolve().parent / "results" / "coreml.json"
FAMILIES = ("mobilevit_xs", "conformer_ti", "shunted_t", "swin_t")
PRECISIONS = ("fp32", "fp16", "w8", "w6", "w4", "int8")
MOVES = ("transpose", "reshape")
PACKAGES = ("hvit-edge", "torch", "coremltools")


def main() -> None:
    """Measure one part and write it into the results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parts = parser.add_subparsers(dest="part", required=True)
    parts.add_parser("operators")
    parts.add_parser("models")
    parts.add_parser("precisions")
    bundled = parts.add_parser("bundled")
    bundled.add_argument("calibration", type=Path)
    bundled.add_argument("test", type=Path)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if args.part == "operators":
            rows = [count_operators(name, Path(folder)) for name in FAMILIES]
        elif args.part == "models":
            classifiers = [info for info in list_models() if info.task == "classify"]
            rows = [measure_model(info.name, Path(folder)) for info in classifiers]
        elif args.part == "precisions":
            rows = [measure_size(p, Path(folder)) for p in PRECISIONS if p != "int8"]
        else:
            rows = [measure_bundled(p, args, Path(folder)) for p in PRECISIONS]
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    results[args.part] = {"machine": describe_machine(PACKAGES), "rows": rows}
    RESULTS.write_text(json.dumps(results, indent=2) + "\n")


def count_operators(name: str, folder: Path) -> dict[str, object]:
    """Count the operators of coremltools' conversion for iOS 17 and of ours."""
    model = hvit_edge.create_model(name, weights="random")
    ours = compile_to(folder, model, f"{name}.mlpackage").report
    row = {
        "model": name,
        "ours": summary(ours.operators),
        "stock": stock(model, model.hvit_edge.preprocess.input_size),
    }
    print(json.dumps(row), flush=True)
    return row


def stock(model: nn.Module, size: Sequence[int]) -> dict[str, object]:
    """Return the counts of coremltools' own conversion, or the reason why it fails."""
    exported = torch.export.export(model, (torch.zeros(1, 3, *size),)).run_decompositions({})
    try:
        with quiet():
            converted = ct.convert(
                exported,
                minimum_deployment_target=ct.target.iOS17,
                skip_model_load=True,
            )
    except Exception as error:  # its conversion raises many kinds of exceptions
        return {"error": str(error).strip().splitlines()[-1]}
    operations = converted._mil_program.functions["main"].operations
    return summary(Counter(op.op_type for op in operations if op.op_type != "const"))


def summary(counts: dict[str, int]) -> dict[str, object]:
    """Return the number of all operators, and of those that only move data."""
    return {"all": sum(counts.values()), **{name: counts.get(name, 0) for name in MOVES}}


def measure_model(name: str, folder: Path) -> dict[str, object]:
    """Measure parity of both float precisions on the bundled photos, and the time to compile."""
    row: dict[str, object] = {"model": name}
    for precision in ("fp16", "fp32"):
        model = hvit_edge.create_model(name, weights="random")
        path = folder / f"{name}-{precision}.mlpackage"
        report = compile_to(folder, model, path.name, precision=precision).report
        step = validate(path, model=model).steps[-1]
        row[precision] = {
            "bytes": report.bytes,
            "compile_seconds": report.seconds,
            "photo_seconds": seconds_a_photo(path),
            "cosine": step.difference.cosine,
            "max_rel": step.difference.max_rel,
            "top1_agreement": step.top1_agreement,
            "passed": step.passed,
            "in_float32": len(report.in_float32),
        }
    print(json.dumps(row), flush=True)
    return row


def seconds_a_photo(path: Path) -> float:
    """Return the evaluator's time for a photo with its preprocessing, the least of three."""
    classifier, photo = open_classifier(path), load_image(bundled_photos()[0])
    times = []
    for _ in range(3):
        start = time.perf_counter()
        classifier.logits(photo)
        times.append(time.perf_counter() - start)
    return min(times)


def measure_size(precision: str, folder: Path) -> dict[str, object]:
    """Measure the size of mobilevit_xs, and count the operators that only move data."""
    model = hvit_edge.create_model("mobilevit_xs", weights="random")
    report = compile_to(folder, model, f"{precision}.mlpackage", precision=precision).report
    row = {"precision": precision, "bytes": report.bytes, "moves": report.moves}
    print(json.dumps(row), flush=True)
    return row


def measure_bundled(precision: str, args: argparse.Namespace, folder: Path) -> dict[str, object]:
    """Measure the accuracy of the bundled classifier."""
    model = hvit_edge.create_model("mobilevit_xxs", weights="cifar10")
    path = folder / f"{precision}.mlpackage"
    calibration = {"calib_data": args.calibration} if precision == "int8" else {}
    report = compile_to(folder, model, path.name, precision=precision, **calibration).report
    result = evaluate(path, args.test, eager=eager_reference(path))
    row = {
        "precision": precision,
        "bytes": report.bytes,
        "in_float32": len(report.in_float32),
        "images": result.images,
        "top1": result.top1,
        "eager_top1": result.eager_top1,
        "agreement": result.agreement,
    }
    print(json.dumps(row), flush=True)
    return row


def compile_to(folder: Path, model: nn.Module, name: str, **options: object) -> object:
    """Compile `model` to a package in `folder`."""
    # The time of the compilation is recorded, so it must not depend on earlier ones.
    return compile_model(model, target="coreml", output=folder / name, cache=False, **options)


if __name__ == "__main__":
    main()

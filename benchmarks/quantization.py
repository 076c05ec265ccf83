"""Measure accuracy, noise, size and time of every precision, and of ExecuTorch's own int8.

    python benchmarks/quantization.py trained CALIBRATION.npz TEST.npz [--conformer WEIGHTS]
    python benchmarks/quantization.py families PHOTOS FOLDER
    python benchmarks/quantization.py times FOLDER
    python benchmarks/quantization.py profile FOLDER
    python benchmarks/quantization.py ablation CALIBRATION.npz TEST.npz

NPZ files have `images` uint8 [N, 32, 32, 3] of CIFAR-10, which is not part of this repository, and
TEST.npz also has `labels`. Our programs run in the C++ runtime, from artifacts of `compile`. Stock
programs run in eager PyTorch, which rounds as their runtime does. "int8" and "int8-dynamic" are
calibrated on the calibration images, and "auto" chooses its plan on TEST.npz. `families` stores its
artifacts in FOLDER, and `times` and `profile` read them there. These two measure one interleaved
run per model, with two threads or all cores, and need an idle machine. Each part has its own key in
results/quantization.json.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from measure.machine import describe_machine
from measure.stock_quantizer import stock_quantized
from tables.quantization import (
    ablation_table,
    families_table,
    profile_table,
    times_table,
    trained_table,
)
from torch import nn

import hvit_edge
from hvit_edge.compiler.compile_model import compile as compile_model
from hvit_edge.datasets import open_images
from hvit_edge.lowering import export_graph, rewrite
from hvit_edge.quantize import calibration_inputs, centred_sqnr, sqnr
from hvit_edge.runtime import Session

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "examples"), str(ROOT / "tests" / "quantize")]

import small_models  # noqa: E402, F401  (registers conformer_cifar)
from quantization_ablation import ablation  # noqa: E402
from quantization_profile import profile  # noqa: E402
from rescale import rescale  # noqa: E402

RESULTS = ROOT / "benchmarks" / "results" / "quantization.json"
PRECISIONS = ("fp32", "fp16", "int8", "int8-dynamic")
CALIBRATED = ("int8", "int8-dynamic", "auto")
FAMILIES = ("mobilevit_xs", "conformer_ti", "shunted_t", "swin_t")
ROUNDS, THREADS = 40, 2
TABLES = {
    "trained": trained_table,
    "families": families_table,
    "times": times_table,
    "profile": profile_table,
    "ablation": ablation_table,
}
Program = Callable[[np.ndarray], np.ndarray]


def main() -> None:
    """Measure one part and write it into the results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parts = parser.add_subparsers(dest="part", required=True)
    for name in ("trained", "ablation"):
        part = parts.add_parser(name)
        part.add_argument("calibration", type=Path)
        part.add_argument("test", type=Path)
        part.add_argument("--conformer", type=Path, help="weights of conformer_cifar")
    families = parts.add_parser("families")
    families.add_argument("photos", type=Path)
    families.add_argument("folder", type=Path)
    families.add_argument("--models", nargs="+", default=FAMILIES)
    times = parts.add_parser("times")
    times.add_argument("folder", type=Path)
    times.add_argument("--models", nargs="+", default=FAMILIES)
    of_operators = parts.add_parser("profile")
    of_operators.add_argument("folder", type=Path)
    of_operators.add_argument("--models", nargs="+", default=FAMILIES)
    args = parser.parse_args()
    if args.part == "families":
        for name in args.models:
            record("families", [measure_family(name, args.photos, args.folder)])
    elif args.part == "times":
        for name in args.models:
            record("times", [measure_times(name, args.folder)])
    elif args.part == "profile":
        for name in args.models:
            record("profile", [profile(name, args.folder)])
    elif args.part == "trained":
        models = {"mobilevit_xxs": "cifar10"}
        if args.conformer:
            models["conformer_cifar"] = args.conformer
        record(
            "trained", [measure_trained(*m, args.calibration, args.test) for m in models.items()]
        )
    else:
        record("ablation", ablation(args.calibration, args.test))


def record(part: str, rows: list[dict[str, object]]) -> None:
    """Put the rows of a part into the results file; other parts and models stay."""
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    measured = {row.get("model") for row in rows}
    others = [
        r for r in results.get(part, {}).get("rows", []) if r.get("model", "") not in measured
    ]
    kept = [] if part == "ablation" else others
    results[part] = {"machine": describe_machine(), "rows": [*kept, *rows]}
    RESULTS.write_text(json.dumps(results, indent=2) + "\n")
    print(TABLES[part](results[part]))


def measure_trained(
    name: str, weights: str | Path, calibration: Path, test: Path
) -> dict[str, object]:
    """Measure top-1, agreement and noise on labeled images, also with rescaled weights."""
    model = hvit_edge.create_model(name, weights=weights)
    preprocess = model.hvit_edge.preprocess
    samples = list(open_images(test, classes=10))
    inputs = [preprocess(sample.image) for sample in samples]
    labels = np.array([sample.label for sample in samples])
    expected = outputs(eager(model), inputs)
    report = {
        "model": name,
        "images": len(inputs),
        "eager_top1": float((expected.argmax(1) == labels).mean()),
        "results": [],
    }
    with tempfile.TemporaryDirectory() as folder:
        programs = compile_all(model, calibration, Path(folder), PRECISIONS)
        programs |= compile_all(model, calibration, Path(folder), ("auto",), eval_data=test)
        rescaled = rescale(model)
        programs |= compile_all(rescaled, calibration, Path(folder), ("int8",), "rescaled ")
        stock = calibration_inputs(calibration, preprocess).inputs
        for title, module in (("", model), ("rescaled ", rescaled)):
            for kind in ("static", "dynamic"):
                programs[f"{title}stock {kind}"] = (stock_program(module, stock, kind), {})
        for title, (program, facts) in programs.items():
            actual = outputs(program, inputs)
            row = {"precision": title, **compare(expected, actual, labels), **facts}
            report["results"].append(row)
            print(json.dumps(row), flush=True)
    return report


def measure_family(name: str, photos: Path, folder: Path) -> dict[str, object]:
    """Measure the noise on photos and the size of a family with random weights."""
    model = hvit_edge.create_model(name, weights="random")
    calibration = calibration_inputs(photos, model.hvit_edge.preprocess, samples=60).inputs
    expected = outputs(eager(model), calibration)
    rows = []
    folder.mkdir(parents=True, exist_ok=True)
    programs = compile_all(model, photos, folder, PRECISIONS, f"{name} ", samples=60)
    for kind in ("static", "dynamic"):
        programs[f"{name} stock {kind}"] = (stock_program(model, calibration, kind), {})
    for title, (program, facts) in programs.items():
        actual = outputs(program, calibration)
        row = {"precision": title.removeprefix(f"{name} "), **compare(expected, actual), **facts}
        rows.append(row)
        print(name, json.dumps(row), flush=True)
    return {"model": name, "photos": len(calibration), "results": rows}


def measure_times(name: str, folder: Path) -> dict[str, object]:
    """Return the median time of each precision, and its median ratio to fp32 in the same round."""
    sessions = {p: Session(folder / f"{name} {p}.pte", threads=THREADS) for p in PRECISIONS}
    shape = sessions["fp32"].inputs[0].shape
    array = np.random.default_rng(0).standard_normal(shape, np.float32)
    times = interleaved({p: lambda x, s=s: s(x)[0] for p, s in sessions.items()}, array)
    rows = [
        {
            "precision": precision,
            "ms": float(np.median(taken) * 1e3),
            "ratio": float(np.median(taken / times["fp32"])),
        }
        for precision, taken in times.items()
    ]
    return {"model": name, "threads": THREADS, "rounds": ROUNDS, "results": rows}


def compile_all(
    model: nn.Module,
    calibration: Path,
    folder: Path,
    precisions: Sequence[str],
    title: str = "",
    samples: int = 512,
    **options: object,
) -> dict[str, tuple[Program, dict[str, object]]]:
    """Return the loaded artifacts of `model`, and the figures of their reports."""
    programs = {}
    for precision in precisions:
        given = {"calib_data": calibration, "calib_samples": samples}
        report = compile_model(
            model,
            precision=precision,
            output=folder / f"{title}{precision}.pte",
            force=True,
            **(given if precision in CALIBRATED else {}),
            **options,
        ).report
        session = Session(report.path, threads=THREADS)
        facts = {
            "bytes": report.bytes,
            "delegates": report.lowered.delegates,
            "ops_outside": len(report.lowered.ops_outside),
        }
        programs[title + precision] = (lambda x, session=session: session(x)[0], facts)
    return programs


def stock_program(model: nn.Module, calibration: Sequence[np.ndarray], kind: str) -> Program:
    """Return the result of ExecuTorch's own quantizer for the same rewritten graph and images."""
    inputs = [(torch.from_numpy(array),) for array in calibration]
    graph = export_graph(model, inputs[0])
    rewrite(graph)
    return eager(stock_quantized(graph, inputs[0], inputs, dynamic=kind == "dynamic"))


def eager(module: nn.Module) -> Program:
    """Return a program that runs in eager PyTorch."""

    def run(array: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            return module(torch.from_numpy(array)).numpy()

    return run


def outputs(program: Program, inputs: Sequence[np.ndarray]) -> np.ndarray:
    """Return the outputs, float32 [images, classes]."""
    return np.concatenate([program(array) for array in inputs])


def compare(
    expected: np.ndarray, actual: np.ndarray, labels: np.ndarray | None = None
) -> dict[str, object]:
    """Return agreement and noise, and the accuracy if there are labels."""
    noise = {"sqnr_db": sqnr(expected, actual), "sqnr_centred_db": centred_sqnr(expected, actual)}
    return {
        **({} if labels is None else {"top1": float((actual.argmax(1) == labels).mean())}),
        "agreement": float((actual.argmax(1) == expected.argmax(1)).mean()),
        **{name: value if np.isfinite(value) else None for name, value in noise.items()},
        "finite": bool(np.isfinite(actual).all()),
    }


def interleaved(programs: dict[str, Program], array: np.ndarray) -> dict[str, np.ndarray]:
    """Return the seconds of each program in each round, in turns after one round to warm up."""
    times: dict[str, list[float]] = {title: [] for title in programs}
    for _ in range(ROUNDS + 1):
        for title, program in programs.items():
            start = time.perf_counter()
            program(array)
            times[title].append(time.perf_counter() - start)
    return {title: np.array(values[1:]) for title, values in times.items()}


if __name__ == "__main__":
    main()

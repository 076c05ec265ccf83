"""Check one program of the coverage matrix, and print the results as JSON.

    python benchmarks/coverage_cell.py MODEL TARGET PRECISION PHOTOS [--stock]

`coverage.py` runs this in a separate process for each program, so that a crash costs one cell.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import coverage_models
import numpy as np
import torch
from torch import nn

import hvit_edge
from hvit_edge.errors import HvitEdgeError
from hvit_edge.quantize import centred_sqnr
from hvit_edge.weights import bundled_photos

CALIBRATED = "int8"
SAMPLES = 32
THREADS, ROUNDS = 2, 15
Run = Callable[[np.ndarray], object]


def main() -> None:
    """Check a program."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", choices=coverage_models.MODELS)
    parser.add_argument("target")
    parser.add_argument("precision")
    parser.add_argument("photos", type=Path)
    parser.add_argument("--stock", action="store_true", help="also time stock ExecuTorch")
    args = parser.parse_args()
    module, preprocess = coverage_models.build(args.model)
    with tempfile.TemporaryDirectory() as folder:
        try:
            found = _judge(module, preprocess, args, Path(folder))
        except HvitEdgeError as error:
            found = {"error": str(error).strip().splitlines()[0]}
    print(json.dumps(found))


def _judge(
    module: nn.Module,
    preprocess: hvit_edge.Preprocess,
    args: argparse.Namespace,
    folder: Path,
) -> dict[str, object]:
    suffix = ".mlpackage" if args.target == "coreml" else ".pte"
    report = hvit_edge.compile(
        module,
        preprocess=preprocess,
        target=args.target,
        precision=args.precision,
        output=Path(folder, f"a{suffix}"),
        **(_calibration(args.photos) if args.precision == CALIBRATED else {}),
    ).report
    found = {
        "seconds": round(report.seconds, 1),
        "bytes": report.bytes,
        "max_rel": report.parity.max_rel,
        "cosine": report.parity.cosine,
        "left_out": [rewrite.name for rewrite in report.rewrites_left_out],
    }
    if args.target == "coreml":
        return found
    found["delegates"] = report.lowered.delegates
    found["ops_outside"] = sorted({op.op for op in report.lowered.ops_outside})
    session = hvit_edge.Session(report.path, threads=THREADS)
    images = [preprocess(hvit_edge.load_image(photo)) for photo in bundled_photos()]
    found |= _noise(module, session, images)
    if args.stock:
        found |= _times(session, _stock(module, images[0]), images[0])
    return found


def _calibration(photos: Path) -> dict[str, object]:
    return {"calib_data": photos, "calib_samples": SAMPLES}


def _noise(
    module: nn.Module, session: hvit_edge.Session, images: list[np.ndarray]
) -> dict[str, float | None]:
    """Compare answers minus their mean over the images, because the common part is no signal."""
    with torch.inference_mode():
        expected = np.concatenate([module(torch.from_numpy(image)).numpy() for image in images])
    actual = np.concatenate([session(image)[0] for image in images])
    decibel = centred_sqnr(expected, actual)
    return {"sqnr_centred_db": float(decibel) if np.isfinite(decibel) else None}


def _stock(module: nn.Module, image: np.ndarray) -> Run | None:
    """Return a run of ExecuTorch's default program of the module, or None if it refuses."""
    from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
    from executorch.exir import to_edge_transform_and_lower
    from executorch.runtime import Runtime

    tensor = torch.from_numpy(image)
    try:
        with torch.no_grad():
            exported = torch.export.export(module, (tensor,))
            edge = to_edge_transform_and_lower(exported, partitioner=[XnnpackPartitioner()])
            program = Runtime.get().load_program(edge.to_executorch().buffer)
            method = program.load_method("forward")
            method.execute([tensor])
    except Exception:  # without a stock program there is nothing to compare with
        return None
    return lambda array, program=program: method.execute([torch.from_numpy(array)])


def _times(session: hvit_edge.Session, stock: Run | None, image: np.ndarray) -> dict[str, object]:
    """Time both programs in turns, and compute the ratio within each round."""
    if stock is None:
        return {"stock_ratio": None}
    rounds = [(_milliseconds(session, image), _milliseconds(stock, image)) for _ in range(ROUNDS)]
    return {
        "ms": round(statistics.median(ours for ours, _ in rounds), 2),
        "stock_ms": round(statistics.median(theirs for _, theirs in rounds), 2),
        "stock_ratio": round(statistics.median(ours / theirs for ours, theirs in rounds), 3),
    }


def _milliseconds(run: Run, image: np.ndarray) -> float:
    start = time.perf_counter()
    run(image)
    return (time.perf_counter() - start) * 1e3


if __name__ == "__main__":
    main()

"""Check one program of the coverage matrix, and print the results as JSON.

    python benchmarks/coverage_cell.py MODEL TARGET PRECISION PHOTOS

`coverage.py` runs this in a separate process for each program, so that a crash costs one cell.
"""

from __future__ import annotations

import argparse
import json
import tempfile
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
THREADS = 2


def main() -> None:
    """Check a program."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", choices=coverage_models.MODELS)
    parser.add_argument("target")
    parser.add_argument("precision")
    parser.add_argument("photos", type=Path)
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


if __name__ == "__main__":
    main()

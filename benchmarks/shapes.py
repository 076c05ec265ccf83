"""Measure the models that were trained on scenes of shapes, against eager PyTorch.

    python benchmarks/shapes.py

The scenes are composed by examples/shape_scenes: the set HELD_OUT is measured, and int8 is
calibrated on the set CALIBRATION. Masks and boxes come from the C++ runtime. Each program is
written to the results when it is measured, so an interrupted run continues.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Iterable
from itertools import product
from pathlib import Path
from typing import Any

from measure.machine import describe_machine
from PIL import Image

import hvit_edge
from hvit_edge.weights import bundled_names

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "examples"))

from shape_scenes import CALIBRATION, HELD_OUT, compose  # noqa: E402
from shape_scenes.scores import SCORES, Answer, eager_answer  # noqa: E402

RESULTS = ROOT / "benchmarks" / "results" / "shapes.json"
WEIGHTS = "shapes"
MODELS = {"segment": "deeplabv3_mobilevit_xxs_slim", "detect": "ssdlite_mobilevit_xxs"}
TARGETS = ("xnnpack", "native")
PRECISIONS = ("fp32", "fp16", "int8", "int8-dynamic")
EAGER = ("PyTorch", "eager")
SCENES = 200
CALIBRATED = 128


def main() -> None:
    """Measure what is not in the results yet."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    having = [task for task, model in MODELS.items() if WEIGHTS in bundled_names(model)]
    parser.add_argument("--tasks", nargs="+", choices=having, default=having)
    parser.add_argument("--scenes", type=int, default=SCENES)
    parser.add_argument("--output", type=Path, default=RESULTS)
    args = parser.parse_args()
    report = {"machine": describe_machine(), "scenes": args.scenes, "results": []}
    if args.output.exists():
        report = json.loads(args.output.read_text())
    done = {(row["task"], row["target"], row["precision"]) for row in report["results"]}
    for task in args.tasks:
        for row in measured(task, args.scenes, done):
            report["results"].append(row)
            args.output.write_text(json.dumps(report, indent=2) + "\n")


def measured(task: str, count: int, done: set[tuple[str, str, str]]) -> Iterable[dict[str, Any]]:
    """Yield a row for eager PyTorch and for each program that is not done."""
    model = hvit_edge.create_model(MODELS[task], weights=WEIGHTS)
    preprocess = model.hvit_edge.preprocess
    side = preprocess.input_size[0]
    scenes = [compose(HELD_OUT, index, side) for index in range(count)]
    score = SCORES[task]
    if (task, *EAGER) not in done:
        yield row(task, *EAGER, score(scenes, eager_answer(task, model, preprocess)))
    with tempfile.TemporaryDirectory() as folder:
        photos = write_photos(Path(folder) / "photos", side)
        for target, precision in product(TARGETS, PRECISIONS):
            if (task, target, precision) in done:
                continue
            output = Path(folder) / f"{target}-{precision}.pte"
            data = {"calib_data": photos, "calib_samples": CALIBRATED}
            options = {"target": target, "precision": precision}
            options |= data if precision == "int8" else {}
            path = hvit_edge.compile(model, output=output, **options).path
            found = score(scenes, CLASSES[task](path))
            yield row(task, target, precision, {"bytes": path.stat().st_size, **found})


def row(task: str, target: str, precision: str, found: dict[str, float]) -> dict[str, Any]:
    """Return a row of the results."""
    return {
        "task": task,
        "model": MODELS[task],
        "target": target,
        "precision": precision,
        **found,
    }


def write_photos(folder: Path, side: int) -> Path:
    """Write the calibration scenes as PNG files."""
    folder.mkdir()
    for index in range(CALIBRATED):
        scene = compose(CALIBRATION, index, side)
        Image.fromarray(scene.image).save(folder / f"{index:04}.png")
    return folder


CLASSES: dict[str, Callable[[Path], Answer]] = {
    "segment": hvit_edge.Segmenter,
    "detect": hvit_edge.Detector,
}


if __name__ == "__main__":
    main()

"""Measure the bundled segmenter and detector on scenes of shapes, against eager PyTorch.

    python benchmarks/shapes.py [--tasks segment detect]

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
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import torch
from measure.machine import describe_machine
from PIL import Image

import hvit_edge
from hvit_edge.annotations.coco_boxes import TrueBox
from hvit_edge.answers import boxes_of, mask_of, placement_of
from hvit_edge.measures.coco_map import measure_boxes
from hvit_edge.measures.mask_overlap import MaskOverlap
from hvit_edge.models.ssd import anchor_boxes
from hvit_edge.progress import bar
from hvit_edge.tasks import Detect

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "examples"))

from shape_scenes import CALIBRATION, HELD_OUT, SHAPES, Scene, compose  # noqa: E402

RESULTS = ROOT / "benchmarks" / "results" / "shapes.json"
WEIGHTS = "shapes"
MODELS = {"segment": "deeplabv3_mobilevit_xxs_slim", "detect": "ssdlite_mobilevit_xxs"}
TARGETS = ("xnnpack", "native")
PRECISIONS = ("fp32", "fp16", "int8", "int8-dynamic")
EAGER = ("PyTorch", "eager")
SCENES = 200
CALIBRATED = 128

Answer = Callable[[np.ndarray], Any]
Score = Callable[[list[Scene], Answer], dict[str, float]]


def main() -> None:
    """Measure what is not in the results yet."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tasks", nargs="+", choices=MODELS, default=list(MODELS))
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
    side = model.hvit_edge.preprocess.input_size[0]
    scenes = [compose(HELD_OUT, index, side) for index in range(count)]
    score = SCORES[task]
    if (task, *EAGER) not in done:
        yield row(task, *EAGER, score(scenes, EAGER_ANSWERS[task](model)))
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


def mask_score(scenes: list[Scene], answer: Answer) -> dict[str, float]:
    """Return the mean IoU over the background and the shapes, and the share of right pixels."""
    overlap = MaskOverlap(1 + len(SHAPES))
    for scene in bar("eval")(scenes, len(scenes)):
        overlap.add(scene.classes, answer(scene.image).classes)
    return {"mean_iou": overlap.mean_iou(), "pixels": overlap.equal_share()}


def box_score(scenes: list[Scene], answer: Answer) -> dict[str, float]:
    """Return COCO's mean average precision, and the same at an IoU of 0.5."""
    found = [answer(scene.image) for scene in bar("eval")(scenes, len(scenes))]
    truth = [true_boxes(scene) for scene in scenes]
    precision = measure_boxes(truth, found, classes=1 + len(SHAPES))
    return {"map": precision.mean, "map_50": precision.at_50}


def true_boxes(scene: Scene) -> list[TrueBox]:
    """Return the shapes of a scene."""
    return [
        TrueBox(int(label), *map(float, (left, top, right - left, bottom - top)))
        for label, (left, top, right, bottom) in zip(scene.labels, scene.boxes, strict=True)
    ]


def eager_mask(model: torch.nn.Module, image: np.ndarray) -> Any:
    """Return the mask by eager PyTorch, decoded in numpy."""
    preprocess = model.hvit_edge.preprocess
    with torch.inference_mode():
        logits = model(torch.from_numpy(preprocess(image))).numpy()
    return mask_of(logits, placement_of(preprocess, *image.shape[:2]))


def eager_boxes(model: torch.nn.Module, image: np.ndarray) -> Any:
    """Return the boxes by eager PyTorch, decoded in numpy."""
    preprocess = model.hvit_edge.preprocess
    with torch.inference_mode():
        logits, offsets = (one.numpy() for one in model(torch.from_numpy(preprocess(image))))
    task = Detect(anchors=anchor_boxes(preprocess.input_size))
    return boxes_of(logits, offsets, task, placement_of(preprocess, *image.shape[:2]))


SCORES: dict[str, Score] = {"segment": mask_score, "detect": box_score}
EAGER_ANSWERS: dict[str, Callable[[torch.nn.Module], Answer]] = {
    "segment": lambda model: partial(eager_mask, model),
    "detect": lambda model: partial(eager_boxes, model),
}
CLASSES: dict[str, Callable[[Path], Answer]] = {
    "segment": hvit_edge.Segmenter,
    "detect": hvit_edge.Detector,
}


if __name__ == "__main__":
    main()

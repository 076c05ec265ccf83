"""Measure masks and boxes against the scenes that they are for."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import nn

from hvit_edge.annotations.coco_boxes import TrueBox
from hvit_edge.answers import FoundBox, FoundMask, boxes_of, mask_of, placement_of
from hvit_edge.measures.coco_map import measure_boxes
from hvit_edge.measures.mask_overlap import MaskOverlap
from hvit_edge.models.ssd import detect
from hvit_edge.preprocess import Preprocess
from hvit_edge.progress import bar
from shape_scenes.outlines import SHAPES
from shape_scenes.scene import Scene

Answer = Callable[[np.ndarray], Any]
"""Returns the mask or the boxes of a photo."""


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


def eager_mask(model: nn.Module, preprocess: Preprocess, image: np.ndarray) -> FoundMask:
    """Return the mask by eager PyTorch, decoded in numpy."""
    with torch.inference_mode():
        logits = model(torch.from_numpy(preprocess(image))).numpy()
    return mask_of(logits, placement_of(preprocess, *image.shape[:2]))


def eager_boxes(model: nn.Module, preprocess: Preprocess, image: np.ndarray) -> list[FoundBox]:
    """Return the boxes by eager PyTorch, decoded in numpy."""
    with torch.inference_mode():
        logits, offsets = (one.numpy() for one in model(torch.from_numpy(preprocess(image))))
    task = detect(preprocess.input_size)
    return boxes_of(logits, offsets, task, placement_of(preprocess, *image.shape[:2]))


SCORES: dict[str, Callable[[list[Scene], Answer], dict[str, float]]] = {
    "segment": mask_score,
    "detect": box_score,
}


def eager_answer(task: str, model: nn.Module, preprocess: Preprocess) -> Answer:
    """Return a function that answers with eager PyTorch, decoded in numpy."""
    answer = {"segment": eager_mask, "detect": eager_boxes}[task]
    return partial(answer, model, preprocess)

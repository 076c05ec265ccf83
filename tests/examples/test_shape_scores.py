"""Check the measures of scenes: of the truth itself, of nothing, and of eager PyTorch."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from shape_scenes import HELD_OUT, SHAPES, compose
from shape_scenes.losses import match
from shape_scenes.scores import box_score, eager_answer, mask_score

from hvit_edge.models.ssd import anchor_boxes
from hvit_edge.preprocess import Preprocess

SIDE = 64
PREPROCESS = Preprocess((SIDE, SIDE), resize="stretch", interpolation="bilinear")


@pytest.fixture(scope="module")
def scenes():
    return [compose(HELD_OUT, index, SIDE) for index in range(6)]


class Oracle(torch.nn.Module):
    """Returns the outputs of a perfect network for the scenes, in their order."""

    def __init__(self, scenes, output_of):
        super().__init__()
        self.outputs = iter([output_of(scene) for scene in scenes])

    def forward(self, x):
        return next(self.outputs)


def perfect_logits(scene):
    """Return logits of the size of the scene, whose largest is that of the true class."""
    classes = torch.from_numpy(scene.classes.astype(np.int64))
    return torch.nn.functional.one_hot(classes, 1 + len(SHAPES)).float().permute(2, 0, 1)[None]


def perfect_boxes(scene):
    """Return logits and offsets of the matched anchors."""
    targets, offsets = match(scene.boxes / SIDE, scene.labels, anchor_boxes((SIDE, SIDE)))
    logits = 20 * torch.nn.functional.one_hot(torch.from_numpy(targets), 1 + len(SHAPES)).float()
    return logits[None], torch.from_numpy(offsets)[None]


def test_perfect_masks(scenes):
    answer = eager_answer("segment", Oracle(scenes, perfect_logits), PREPROCESS)
    assert mask_score(scenes, answer) == {"mean_iou": 1.0, "pixels": 1.0}


def test_masks_of_background_alone(scenes):
    found = mask_score(scenes, lambda image: SimpleNamespace(classes=np.zeros((SIDE, SIDE), int)))
    share = np.mean([(scene.classes == 0).mean() for scene in scenes])
    classes = {0, *np.concatenate([scene.labels for scene in scenes])}
    assert found["pixels"] == pytest.approx(share)
    assert found["mean_iou"] == pytest.approx(share / len(classes))


def test_perfect_boxes(scenes):
    answer = eager_answer("detect", Oracle(scenes, perfect_boxes), PREPROCESS)
    found = box_score(scenes, answer)
    assert found["map_50"] == pytest.approx(1.0)
    assert found["map"] == pytest.approx(1.0)


def test_no_boxes(scenes):
    assert box_score(scenes, lambda image: []) == {"map": 0.0, "map_50": 0.0}

"""The C++ runtime and the reference in numpy, which other runtimes are compared with, agree."""

from __future__ import annotations

import numpy as np
import pytest
from photo_frames import PREPROCESSES, photo

from hvit_edge.answers import boxes_of, mask_of, normalized, placement_of
from hvit_edge.runtime import Detector, Embedder, Segmenter

PIXELS = 0.01
ROUNDING = 1e-5
SIDES = (75, 131)


@pytest.mark.parametrize("name", PREPROCESSES)
def test_masks(tiny_task, name):
    preprocess = PREPROCESSES[name]
    segmenter = Segmenter(tiny_task("segment", preprocess=preprocess))
    pixels = photo(*SIDES)
    [logits] = segmenter.outputs(pixels)
    wanted = mask_of(logits, placement_of(preprocess, *SIDES), confidence=True)
    mask = segmenter(pixels, confidence=True)
    assert (mask.classes != wanted.classes).mean() < 1e-3, "only where two classes are as probable"
    np.testing.assert_allclose(mask.confidence, wanted.confidence, atol=ROUNDING)


@pytest.mark.parametrize("name", PREPROCESSES)
def test_boxes(tiny_task, name):
    preprocess = PREPROCESSES[name]
    detector = Detector(tiny_task("detect", preprocess=preprocess))
    pixels = photo(*SIDES)
    placement = placement_of(preprocess, *SIDES)
    wanted = boxes_of(*detector.outputs(pixels), detector.metadata.detect, placement)
    found = detector(pixels)
    assert found
    assert [one.index for one in found] == [one.index for one in wanted]
    for one, other in zip(found, wanted, strict=True):
        assert one.score == pytest.approx(other.score, abs=ROUNDING)
        sides = [[box.x, box.y, box.width, box.height] for box in (one, other)]
        np.testing.assert_allclose(*sides, atol=PIXELS)


def test_vectors(tiny_task):
    embedder = Embedder(tiny_task("embed"))
    pixels = photo(*SIDES)
    [features] = embedder.outputs(pixels)
    np.testing.assert_allclose(
        embedder(pixels), normalized(features, "l2").reshape(-1), atol=ROUNDING
    )

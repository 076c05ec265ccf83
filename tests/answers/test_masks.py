"""Masks in numpy are those of PyTorch's interpolation, and cover what the crop covers."""

import numpy as np
import pytest
import torch

from hvit_edge.answers import mask_of, masks, placement_of
from hvit_edge.errors import ParityError
from hvit_edge.preprocess import Preprocess

RANDOM = np.random.default_rng(4)


@pytest.mark.parametrize("size", [(40, 64), (7, 5), (1, 1), (301, 17)])
def test_a_stretched_photo_is_pytorchs_interpolation(size, monkeypatch):
    monkeypatch.setattr(masks, "BLOCK", 999)
    logits = RANDOM.normal(size=(1, 5, 6, 8)).astype(np.float32)
    placement = placement_of(Preprocess((48, 64), resize="stretch"), *size)
    found = mask_of(logits, placement, confidence=True)
    values = torch.nn.functional.interpolate(
        torch.from_numpy(logits).double(), size, mode="bilinear", align_corners=False
    )[0]
    assert found.classes.dtype == np.uint8
    assert np.array_equal(found.classes, values.argmax(0).numpy())
    assert np.allclose(found.confidence, values.softmax(0).amax(0).numpy(), atol=1e-6)


def test_pixels_that_are_cropped_away_are_background():
    """A photo of 40 x 20 is doubled, and 32 of its 80 columns are used: 12 to 28."""
    logits = np.stack([np.zeros((4, 4)), np.ones((4, 4))])[None]
    placement = placement_of(Preprocess((40, 32), resize_size=40), 20, 40)
    assert (placement.left, placement.top) == (12, 0)
    assert (placement.width, placement.height) == (16, 20)
    found = mask_of(logits, placement, confidence=True)
    expected = np.zeros((20, 40))
    expected[:, 12:28] = 1
    assert np.array_equal(found.classes, expected)
    assert np.array_equal(found.confidence > 0, expected == 1)


def test_the_crop_is_the_part_that_the_preprocessing_takes():
    """Mark one pixel: it is in the input where the placement says."""
    preprocess = Preprocess((24, 24), resize_size=30, interpolation="bilinear")
    for row, column in [(30, 30), (20, 44), (12, 33)]:
        photo = np.zeros((60, 90, 3), np.uint8)
        photo[row : row + 3, column : column + 3] = 255
        values = preprocess(photo)[0, 0]
        placement = placement_of(preprocess, 60, 90)
        middle = [
            float((values.sum(axis) * (np.arange(24) + 0.5)).sum() / values.sum())
            for axis in (1, 0)
        ]
        expected = [24 * placement.rows()[row + 1], 24 * placement.columns()[column + 1]]
        assert middle == pytest.approx(expected, abs=0.02)


def test_more_classes_than_a_byte_has():
    logits = np.zeros((1, 300, 1, 1))
    logits[0, 299] = 1
    found = mask_of(logits, placement_of(Preprocess((8, 8)), 3, 3))
    assert (found.classes.dtype, found.classes.max(), found.confidence) == (np.uint16, 299, None)


def test_of_equal_logits_the_first_class_counts():
    found = mask_of(np.zeros((1, 4, 2, 2)), placement_of(Preprocess((8, 8)), 5, 5))
    assert found.classes.max() == 0


def test_broken_logits_are_refused():
    logits = np.full((1, 2, 2, 2), np.nan)
    with pytest.raises(ParityError, match="finite outputs, got NaN or infinity"):
        mask_of(logits, placement_of(Preprocess((8, 8)), 5, 5))

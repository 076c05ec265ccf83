"""Masks and boxes in pixels of the photo, against PyTorch's interpolation and by hand."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from hvit_edge.coreml.place_back import place_boxes, place_mask, sides
from hvit_edge.preprocess import Preprocess


def logits(classes, height, width):
    return np.random.default_rng(2).standard_normal((1, classes, height, width)).astype(np.float32)


@pytest.mark.parametrize(("height", "width"), [(37, 61), (64, 48), (1, 1), (200, 3)])
@pytest.mark.parametrize("cells", [(4, 6), (1, 1), (1, 5)])
def test_a_stretched_photo_is_pytorchs_interpolation(height, width, cells):
    given = logits(5, *cells)
    preprocess = Preprocess((64, 96), resize="stretch")
    classes, confidence = place_mask(given, preprocess, height, width)
    wide = F.interpolate(
        torch.from_numpy(given).double(), (height, width), mode="bilinear", align_corners=False
    )[0]
    best = wide.topk(2, dim=0)
    clear = (best.values[0] - best.values[1] > 1e-4).numpy()
    np.testing.assert_array_equal(classes[clear], best.indices[0].numpy()[clear])
    np.testing.assert_allclose(confidence, wide.softmax(0).amax(0).numpy(), atol=1e-6)
    assert (classes.dtype, confidence.dtype) == (np.uint8, np.float32)


def test_more_classes_need_more_bits():
    given = np.zeros((1, 300, 2, 2), np.float32)
    given[:, 299] = 1
    classes, _ = place_mask(given, Preprocess((8, 8), resize="stretch"), 8, 8)
    assert classes.dtype == np.uint16 and (classes == 299).all()


@pytest.mark.parametrize("resize", ["shortest", "shortest-floor"])
def test_pixels_that_the_crop_removes_are_background(resize):
    """A photo of 60 x 101 is resized to 30 x 50; the input has its pixels from (3, 13)."""
    preprocess = Preprocess((24, 24), resize=resize, resize_size=30)
    given = np.zeros((1, 2, 3, 3), np.float32)
    given[:, 1] = 5
    classes, confidence = place_mask(given, preprocess, 60, 101)
    resized = preprocess.resized_size(60, 101)
    top, left = preprocess.corner(*resized)
    for at in (0, 1):
        photo, start = (60, 101)[at], (top, left)[at]
        places = (np.arange(photo) + 0.5) * resized[at] / photo
        expected = (places >= start) & (places < start + 24)
        row = classes[30] if at else classes[:, 50]
        np.testing.assert_array_equal(row == 1, expected)
        assert 0 < expected.sum() < photo
    np.testing.assert_array_equal(confidence > 0, classes == 1)


def test_a_pattern_returns_to_where_it_was():
    """Each quarter of the photo has a color, and a network that sees the color as a class."""
    preprocess = Preprocess((32, 32), resize_size=40)
    photo = np.zeros((120, 160, 3), np.uint8)
    photo[:60, 80:], photo[60:, :80], photo[60:, 80:] = (200, 0, 0), (0, 200, 0), (0, 0, 200)
    seen = preprocess.resize_and_crop(photo).astype(np.float32).transpose(2, 0, 1)
    given = np.concatenate([np.full((1, 32, 32), 99, np.float32), seen])[None]
    classes, confidence = place_mask(given, preprocess, 120, 160)
    expected = np.kron([[0, 1], [2, 3]], np.ones((60, 80), int))
    inside = confidence > 0
    assert inside[15:105, 35:125].all()
    assert (classes == expected)[inside].mean() > 0.99


def test_boxes_by_hand():
    """A photo of 200 x 100 is resized to 100 x 50, and the input has its pixels from (30, 5)."""
    preprocess = Preprocess((40, 40), resize_size=50)
    vertical, horizontal = sides(preprocess, 200, 100)
    assert (vertical.start, horizontal.start, vertical.scale) == (30, 5, 0.5)
    boxes = np.float32([[0.5, 0.5, 0.5, 0.25], [0, 0, 2, 0.5], [0.5, 0.5, 9, 9], [-3, 0.5, 1, 1]])
    expected = [[30, 90, 40, 20], [0, 40, 90, 40], [0, 0, 100, 200], [0, 60, 0, 80]]
    np.testing.assert_allclose(place_boxes(boxes, preprocess, 200, 100), expected, atol=1e-5)
    assert place_boxes(boxes[:0], preprocess, 200, 100).shape == (0, 4)

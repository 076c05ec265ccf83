"""Masks are measured as Pascal VOC does, against counts by hand and in plain Python."""

import numpy as np
import pytest

from hvit_edge.errors import InputError
from hvit_edge.measures.mask_overlap import MaskOverlap, mask_agreement

TRUTH = np.array([[0, 0, 1], [1, 255, 2]], np.uint8)
FOUND = np.array([[0, 1, 1], [1, 2, 0]], np.uint8)


def test_overlap_by_hand():
    overlap = MaskOverlap(4)
    overlap.add(TRUTH, FOUND)
    rows = overlap.per_class()
    # Class 0: one of two true and two found pixels. Class 1: two of two and three.
    assert [(row.index, row.iou, row.pixels, row.found) for row in rows] == [
        (0, pytest.approx(1 / 3), 2, 2),
        (1, pytest.approx(2 / 3), 2, 3),
        (2, 0, 1, 0),
    ]
    assert overlap.mean_iou() == pytest.approx(1 / 3)
    assert overlap.equal_share() == pytest.approx(3 / 5)


def test_the_ignored_value_counts_nowhere():
    overlap = MaskOverlap(3)
    overlap.add(np.full((4, 5), 255, np.uint8), np.ones((4, 5), np.uint8))
    assert overlap.per_class() == ()
    assert (overlap.mean_iou(), overlap.equal_share()) == (1.0, 1.0)


def test_a_class_that_is_only_found_counts_as_missed():
    overlap = MaskOverlap(3)
    overlap.add(np.zeros((1, 2), np.uint8), np.array([[0, 2]], np.uint8))
    assert [(row.index, row.iou) for row in overlap.per_class()] == [(0, 0.5), (2, 0.0)]
    assert overlap.mean_iou() == 0.25


def test_overlap_is_counted_over_all_masks_together():
    """Pascal VOC adds up pixels over the whole set, and does not take the mean of the images."""
    random = np.random.default_rng(0)
    truth = random.integers(0, 5, (6, 9, 7)).astype(np.uint8)
    truth[random.random(truth.shape) < 0.2] = 255
    found = random.integers(0, 5, (6, 9, 7)).astype(np.uint8)
    overlap = MaskOverlap(5)
    for pair in zip(truth, found, strict=True):
        overlap.add(*pair)
    expected = []
    for index in range(5):
        pairs = [
            (t == index, f == index)
            for t, f in zip(truth.flat, found.flat, strict=True)
            if t != 255
        ]
        expected.append(sum(t and f for t, f in pairs) / sum(t or f for t, f in pairs))
    assert [row.iou for row in overlap.per_class()] == pytest.approx(expected)
    assert overlap.mean_iou() == pytest.approx(sum(expected) / 5)


def test_agreement_of_two_masks():
    assert mask_agreement(FOUND, FOUND) == 1
    assert mask_agreement(np.zeros((2, 2), int), np.ones((2, 2), int)) == 0
    # Class 0 overlaps by 1/2, class 255 by 1: no value is ignored here.
    one, other = np.array([[0, 0, 255]]), np.array([[0, 255, 255]])
    assert mask_agreement(one, other) == 0.5


@pytest.mark.parametrize(
    ("truth", "found", "message"),
    [
        (np.zeros((2, 3), int), np.zeros((3, 2), int), r"one shape, got \[2, 3\] and \[3, 2\]"),
        (np.array([[3]]), np.array([[0]]), "true mask: expected classes from 0 to 2, got 3"),
        (np.array([[0]]), np.array([[-1]]), "found mask: expected classes from 0 to 2, got -1"),
        (np.array([[0]]), np.array([[255]]), "found mask: expected classes from 0 to 2, got 255"),
    ],
)
def test_masks_that_do_not_fit_are_refused(truth, found, message):
    with pytest.raises(InputError, match=rf"\[mask_overlap\].*{message}"):
        MaskOverlap(3).add(truth, found)

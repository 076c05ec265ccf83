"""Boxes are paired by class and overlap, against areas by hand and pycocotools."""

from dataclasses import dataclass

import numpy as np
import pycocotools.mask
import pytest

from hvit_edge.measures.box_overlap import match_boxes, overlaps


@dataclass(frozen=True)
class Found:
    index: int
    score: float
    x: float
    y: float
    width: float
    height: float


def test_overlaps_by_hand():
    left = [(0, 0, 2, 2), (0, 0, 0, 0)]
    right = [(1, 0, 2, 2), (0, 0, 2, 2), (2, 0, 1, 1), (0, 0, 0, 0)]
    expected = [[2 / 6, 1, 0, 0], [0, 0, 0, 0]]
    assert overlaps(np.array(left), np.array(right)) == pytest.approx(np.array(expected))


def test_overlaps_are_those_of_pycocotools():
    random = np.random.default_rng(1)
    left, right = (random.uniform(0, 50, (count, 4)) for count in (40, 30))
    expected = pycocotools.mask.iou(left, right, [0] * len(right))
    assert overlaps(left, right) == pytest.approx(expected, abs=1e-12)


def test_equal_boxes_match():
    boxes = [Found(1, 0.9, 0, 0, 10, 10), Found(2, 0.8, 0, 0, 10, 10)]
    agreement = match_boxes(boxes, boxes[::-1])
    assert (agreement.expected, agreement.found, agreement.matched) == (2, 2, 2)
    assert (agreement.worst_iou, agreement.worst_score, agreement.share) == (1, 0, 1)


def test_no_boxes_agree():
    agreement = match_boxes([], [])
    assert (agreement.matched, agreement.worst_iou, agreement.share) == (0, 1, 1)


@pytest.mark.parametrize(
    ("found", "matched", "worst", "share"),
    [
        ([], 0, 0, 0),
        ([Found(2, 0.9, 0, 0, 10, 10)], 0, 0, 0),  # another class
        ([Found(1, 0.7, 0, 0, 10, 9.95)], 1, 0.995, 1),
        ([Found(1, 0.7, 0, 0, 10, 9)], 0, 0.9, 0),  # less than 0.99
        ([Found(1, 0.7, 0, 0, 10, 10), Found(1, 0.1, 50, 50, 1, 1)], 1, 1, 0.5),
    ],
)
def test_boxes_that_differ(found, matched, worst, share):
    agreement = match_boxes([Found(1, 0.9, 0, 0, 10, 10)], found)
    assert (agreement.expected, agreement.found) == (1, len(found))
    assert agreement.matched == matched
    assert agreement.worst_iou == pytest.approx(worst)
    assert agreement.share == pytest.approx(share)
    assert agreement.worst_score == pytest.approx(0.2 if matched else 0)


def test_the_largest_overlap_pairs_first():
    """Two boxes overlap the first one; it gets the nearer, so both have a partner."""
    expected = [Found(0, 1, 0, 0, 10, 10), Found(0, 1, 1, 0, 10, 10)]
    found = [Found(0, 1, 1, 0, 10, 10), Found(0, 1, 0, 0, 10, 10)]
    assert match_boxes(expected, found).matched == 2


def test_a_box_matches_once():
    box = Found(0, 1, 0, 0, 10, 10)
    agreement = match_boxes([box, box], [box])
    assert (agreement.matched, agreement.worst_iou, agreement.share) == (1, 0, 0.5)

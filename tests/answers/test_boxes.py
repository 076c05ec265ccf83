"""Boxes in numpy, against the definition of each box in plain Python."""

import math

import numpy as np
import pytest

from hvit_edge.answers import boxes_of, placement_of
from hvit_edge.answers.boxes import keep_apart
from hvit_edge.errors import ParityError
from hvit_edge.preprocess import Preprocess
from hvit_edge.tasks import Detect

SQUARE = placement_of(Preprocess((10, 10), resize="stretch"), 100, 200)


def detect(anchors, **options):
    return Detect(anchors=np.array(anchors, np.float32), **options)


def logits_for(*classes, count=3, score=5.0):
    """Return logits in which each anchor is sure of a class."""
    found = np.zeros((1, len(classes), count))
    found[0, np.arange(len(classes)), classes] = score
    return found


def test_one_box_by_hand():
    """The center moves by 0.1 * 2 * 0.2, and the width grows by e^(0.2 * 1.5)."""
    found = boxes_of(
        logits_for(1), np.array([[[2, 0, 1.5, 0]]]), detect([[0.5, 0.5, 0.2, 0.4]]), SQUARE
    )
    width = 0.2 * math.exp(0.3)
    (box,) = found
    assert box.index == 1
    assert box.score == pytest.approx(math.exp(5) / (math.exp(5) + 2))
    place = (box.x, box.y, box.width, box.height)
    assert place == pytest.approx(((0.54 - width / 2) * 200, 30, width * 200, 40), abs=1e-4)


def test_the_background_is_no_object():
    assert (
        boxes_of(
            logits_for(0), np.zeros((1, 1, 4)), detect([[0.5] * 4], score_threshold=0.1), SQUARE
        )
        == []
    )


def test_boxes_are_clipped_and_dropped_outside():
    """The crop of a wide photo is its middle: the left box reaches what was cropped away."""
    placement = placement_of(Preprocess((10, 10)), 100, 200)
    anchors = [[0, 0.5, 0.5, 2], [-0.9, 0.5, 0.1, 0.1], [0.5, -3, 1, 1]]
    found = boxes_of(logits_for(1, 1, 1), np.zeros((1, 3, 4)), detect(anchors), placement)
    places = sorted((box.x, box.y, box.width, box.height) for box in found)
    assert places == [pytest.approx((25, 0, 50, 100), abs=1e-4)]


def test_boxes_outside_the_photo_are_none_of_the_best():
    """The best box is outside the photo, so that the other one is returned, as in C++."""
    logits = logits_for(1, 1, count=2)
    logits[0, 0, 1] = 9
    few = detect([[0.5, -3, 1, 1], [0.5, 0.5, 0.2, 0.4]], max_detections=1)
    (box,) = boxes_of(logits, np.zeros((1, 2, 4)), few, SQUARE)
    assert (box.x, box.y, box.width, box.height) == pytest.approx((80, 30, 40, 40), abs=1e-4)


def test_an_enormous_size_is_clipped():
    offsets = np.array([[[0, 0, 1e6, 1e6]]])
    (box,) = boxes_of(logits_for(1), offsets, detect([[0.5, 0.5, 0.2, 0.4]]), SQUARE)
    assert (box.x, box.y, box.width, box.height) == (0, 0, 200, 100)


ANCHORS = [[0.5, 0.5, 0.4, 0.4], [0.52, 0.5, 0.4, 0.4], [0.9, 0.9, 0.1, 0.1]]


def test_boxes_of_one_class_suppress_each_other():
    logits = logits_for(1, 1, 1)
    logits[0, 1, 1] = 6
    found = boxes_of(logits, np.zeros((1, 3, 4)), detect(ANCHORS, score_threshold=0.1), SQUARE)
    assert [round(box.x + box.width / 2) for box in found] == [104, 180]
    both = boxes_of(
        logits, np.zeros((1, 3, 4)), detect(ANCHORS, score_threshold=0.1, iou_threshold=1.0), SQUARE
    )
    assert len(both) == 3
    other = boxes_of(
        logits_for(1, 2, 1), np.zeros((1, 3, 4)), detect(ANCHORS, score_threshold=0.1), SQUARE
    )
    assert [box.index for box in other] == [1, 1, 2]  # another class does not suppress


def test_limits():
    few = detect(ANCHORS, score_threshold=0.1, candidates=2, iou_threshold=1.0)
    assert len(boxes_of(logits_for(1, 1, 1), np.zeros((1, 3, 4)), few, SQUARE)) == 2
    one = detect(ANCHORS, score_threshold=0.1, max_detections=1)
    found = boxes_of(logits_for(2, 1, 1), np.zeros((1, 3, 4)), one, SQUARE)
    assert [box.index for box in found] == [1]  # of equal scores the lower class
    high = detect(ANCHORS, score_threshold=0.999)
    assert boxes_of(logits_for(1, 1, 1), np.zeros((1, 3, 4)), high, SQUARE) == []


def test_suppression_is_that_of_a_plain_loop():
    random = np.random.default_rng(5)
    upper = random.uniform(0, 1, (60, 2))
    corners = np.concatenate([upper, upper + random.uniform(0.05, 0.5, (60, 2))], 1)

    def overlap(a, b):
        sides = [max(0, min(a[i + 2], b[i + 2]) - max(a[i], b[i])) for i in (0, 1)]
        areas = [(c[2] - c[0]) * (c[3] - c[1]) for c in (a, b)]
        return sides[0] * sides[1] / (sum(areas) - sides[0] * sides[1])

    order = random.permutation(60)
    expected = []
    for place in order:
        if all(overlap(corners[place], corners[kept]) <= 0.3 for kept in expected):
            expected.append(place)
    assert keep_apart(corners, order, 0.3) == expected


@pytest.mark.parametrize("broken", [np.nan, np.inf])
def test_broken_outputs_are_refused(broken):
    with pytest.raises(ParityError, match="finite outputs"):
        boxes_of(np.full((1, 1, 3), broken), np.zeros((1, 1, 4)), detect([[0.5] * 4]), SQUARE)
    with pytest.raises(ParityError, match="finite outputs"):
        boxes_of(logits_for(1), np.full((1, 1, 4), broken), detect([[0.5] * 4]), SQUARE)

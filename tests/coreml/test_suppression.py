"""Core ML's non-maximum suppression in NumPy, against a plain loop."""

import numpy as np
import pytest

from hvit_edge.coreml.suppression import Suppression, read_suppression
from hvit_edge.errors import ArtifactError

proto = pytest.importorskip("coremltools.proto.Model_pb2")


def overlap(one, other):
    """Intersection over union of two boxes, center x, center y, width, height."""
    sides = [
        min(one[at] + one[at + 2] / 2, other[at] + other[at + 2] / 2)
        - max(one[at] - one[at + 2] / 2, other[at] - other[at + 2] / 2)
        for at in (0, 1)
    ]
    shared = max(0.0, sides[0]) * max(0.0, sides[1])
    return shared / (one[2] * one[3] + other[2] * other[3] - shared)


def kept_by_loop(confidence, boxes, least, limit, per_class):
    """The rows that the five steps of Core ML's specification keep."""
    left = [at for at in range(len(boxes)) if max(confidence[at]) >= least]
    left.sort(key=lambda at: -max(confidence[at]))
    kept = []
    for at in left:
        rivals = [
            k for k in kept if not per_class or confidence[k].argmax() == confidence[at].argmax()
        ]
        if all(overlap(boxes[k], boxes[at]) <= limit for k in rivals):
            kept.append(at)
    return kept


@pytest.mark.parametrize("per_class", [True, False])
@pytest.mark.parametrize(("least", "limit"), [(0.0, 0.45), (0.3, 0.1), (0.0, 1.0), (0.9, 0.5)])
def test_against_a_loop(per_class, least, limit):
    random = np.random.default_rng(7)
    confidence = random.uniform(size=(120, 3)).astype(np.float32) / 2
    boxes = random.uniform(0.1, 0.9, (120, 4)).astype(np.float32) * np.float32([1, 1, 0.5, 0.5])
    suppress = Suppression("c", "b", limit, least, per_class)
    scores, found = suppress(confidence, boxes)
    rows = kept_by_loop(confidence, boxes.astype(np.float64), least, limit, per_class)
    np.testing.assert_array_equal(found, boxes[rows])
    np.testing.assert_array_equal(scores, confidence[rows])
    assert limit < 1 or len(rows) == (confidence.max(1) >= least).sum()


def test_thresholds_of_a_photo_replace_those_of_the_package():
    confidence = np.float32([[0.9, 0], [0.8, 0], [0, 0.3]])
    boxes = np.float32([[0.5, 0.5, 0.2, 0.2]] * 3)
    suppress = Suppression("c", "b", 0.5, 0.5)
    assert len(suppress(confidence, boxes)[0]) == 1
    assert len(suppress(confidence, boxes, confidence_threshold=0.3)[0]) == 2
    assert len(suppress(confidence, boxes, iou_threshold=1.0)[0]) == 2
    assert suppress(confidence, boxes, confidence_threshold=0.95)[1].shape == (0, 4)


def test_equal_scores_keep_their_order_and_the_number_is_bounded():
    confidence = np.full((3000, 1), 0.5, np.float32)
    boxes = np.stack([np.arange(3000), np.zeros(3000), *np.ones((2, 3000)) / 2], 1)
    _, found = Suppression("c", "b", 0.5, 0.1, most=20)(confidence, boxes.astype(np.float32))
    np.testing.assert_array_equal(found[:, 0], np.arange(20))


def test_boxes_without_an_area_suppress_nothing():
    confidence, boxes = np.float32([[0.5], [0.4]]), np.zeros((2, 4), np.float32)
    assert len(Suppression("c", "b", 0.5, 0.1)(confidence, boxes)[0]) == 2
    none = np.zeros((0, 1), np.float32), np.zeros((0, 4), np.float32)
    assert Suppression("c", "b", 0.5, 0.1)(*none)[0].shape == (0, 1)


def specified(**fields):
    spec = proto.Model()
    given = spec.nonMaximumSuppression
    given.confidenceInputFeatureName, given.coordinatesInputFeatureName = "raw_c", "raw_b"
    given.confidenceOutputFeatureName = fields.get("confidence", "confidence")
    given.coordinatesOutputFeatureName = "coordinates"
    given.iouThreshold, given.confidenceThreshold = 0.45, 0.25
    if fields.get("pick", True):
        given.pickTop.perClass = True
    given.stringClassLabels.vector.extend(["cat", "dog"])
    feature = spec.description.output.add()
    feature.name = "confidence"
    for low, high in ((0, fields.get("most", 7)), (2, 2)):
        size = feature.type.multiArrayType.shapeRange.sizeRanges.add()
        size.lowerBound, size.upperBound = low, high
    return spec


def test_read():
    read = read_suppression(specified())
    assert read == Suppression("raw_c", "raw_b", 0.45, 0.25, True, 7, ("cat", "dog"))
    assert read_suppression(specified(most=-1)).most is None


@pytest.mark.parametrize(
    ("fields", "got"),
    [
        ({"pick": False}, "no method"),
        ({"confidence": "scores"}, "pickTop with 'scores' and 'coordinates'"),
    ],
)
def test_refused(fields, got):
    with pytest.raises(ArtifactError, match=got):
        read_suppression(specified(**fields))

"""Boxes in C++, compared with a reference in float64."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from photo_frames import ORIENTATIONS, PREPROCESSES, cell_anchors, frame, in_input, photo, upright

import hvit_edge
from hvit_edge.errors import ArtifactError, InputError
from hvit_edge.runtime import Detector

PIXELS = 0.01
SCORE = 1e-5
LIMITS = {"score_threshold": 0.3, "iou_threshold": 0.5, "candidates": 200, "max_detections": 200}


@pytest.fixture(scope="module")
def detectors(tiny_task):
    return {name: Detector(tiny_task("detect", preprocess=p)) for name, p in PREPROCESSES.items()}


def softmax(logits: np.ndarray) -> np.ndarray:
    shares = np.exp(logits - logits.max(-1, keepdims=True))
    return shares / shares.sum(-1, keepdims=True)


def decoded(offsets: np.ndarray) -> np.ndarray:
    """Return left, top, right and bottom in parts of the input."""
    anchors = cell_anchors().astype(np.float64)
    centers = anchors[:, :2] + offsets[:, :2] * 0.1 * anchors[:, 2:]
    sizes = anchors[:, 2:] * np.exp(offsets[:, 2:] * 0.2)
    return np.concatenate([centers - sizes / 2, centers + sizes / 2], axis=1)


def iou(one: np.ndarray, other: np.ndarray) -> float:
    sides = np.minimum(one[2:], other[2:]) - np.maximum(one[:2], other[:2])
    shared = np.prod(np.maximum(sides, 0))
    return shared / (np.prod(one[2:] - one[:2]) + np.prod(other[2:] - other[:2]) - shared)


def reference(outputs: list[np.ndarray], **limits) -> list[tuple[int, float, np.ndarray]]:
    """Return class, score and corners in parts of the input, as ml-cvnets v0.1 chooses them."""
    limits = {**LIMITS, **limits}
    scores = softmax(outputs[0][0].astype(np.float64))
    boxes = decoded(outputs[1][0].astype(np.float64))
    found = []
    for index in range(1, scores.shape[1]):
        above = np.flatnonzero(scores[:, index] > limits["score_threshold"])
        order = sorted(above, key=lambda a: (-scores[a, index], a))[: limits["candidates"]]
        kept: list[int] = []
        for anchor in order:
            if all(iou(boxes[anchor], boxes[k]) <= limits["iou_threshold"] for k in kept):
                kept.append(anchor)
        found += [(index, scores[anchor, index], boxes[anchor]) for anchor in kept]
    return sorted(found, key=lambda row: -row[1])[: limits["max_detections"]]


def placed(corners, preprocess, height, width):
    """Return a box clipped to an upright photo, in pixels: left, top, right, bottom."""
    rows, columns = in_input(preprocess, height, width)
    sides = []
    for low, high, centers, length in (
        (corners[0], corners[2], columns, width),
        (corners[1], corners[3], rows, height),
    ):
        step = (centers[-1] - centers[0]) / (length - 1) if length > 1 else None
        pixels = [(part - centers[0]) / step + 0.5 for part in (low, high)]
        sides.append(np.clip(pixels, 0, length))
    return np.array([sides[0][0], sides[1][0], sides[0][1], sides[1][1]])


def seen_box(found, shape, rotation, mirror):
    """Return the corners of a detection of a stored frame in the upright photo."""
    height, width = shape
    corners = np.array([[found.x, found.y], [found.x + found.width, found.y + found.height]])
    for _ in range(rotation // 90):  # clockwise: what was the left side is the upper one
        corners = np.stack([height - corners[:, 1], corners[:, 0]], axis=1)
        height, width = width, height
    if mirror:
        corners[:, 0] = width - corners[:, 0]
    return np.concatenate([corners.min(0), corners.max(0)])


def assert_boxes_agree(detector, preprocess, pixels, rotation=0, mirror=False, **limits):
    given = frame(pixels, rotation, mirror)
    found = detector._native.detect(given, **limits)
    height, width = upright(pixels, rotation, mirror).shape[:2]
    wanted = [
        (index, score, placed(corners, preprocess, height, width))
        for index, score, corners in reference(detector._native.outputs(given), **limits)
    ]
    wanted = [row for row in wanted if (row[2][2:] > row[2][:2]).all()]
    assert [one.index for one in found] == [index for index, _, _ in wanted]
    for one, (_, score, corners) in zip(found, wanted, strict=True):
        assert one.score == pytest.approx(score, abs=SCORE)
        got = seen_box(one, pixels.shape[:2], rotation, mirror)
        np.testing.assert_allclose(got, corners, atol=PIXELS)
    return found


@pytest.mark.parametrize("name", PREPROCESSES)
@pytest.mark.parametrize(("rotation", "mirror"), ORIENTATIONS)
def test_every_orientation_of_a_frame_with_odd_sides(detectors, name, rotation, mirror):
    found = assert_boxes_agree(
        detectors[name], PREPROCESSES[name], photo(75, 131), rotation, mirror
    )
    assert len(found) >= 3
    assert len({one.index for one in found}) >= 2


@pytest.mark.parametrize("sides", [(2, 3), (32, 24), (500, 301), (3, 16384), (16384, 3)])
def test_sizes_of_frames(detectors, sides):
    assert_boxes_agree(detectors["stretched"], PREPROCESSES["stretched"], photo(*sides))


def test_a_frame_of_one_pixel(detectors):
    for one in detectors["cropped"](photo(1, 1), score_threshold=0):
        assert (one.x, one.y) >= (0, 0)
        assert 0 < one.x + one.width <= 1
        assert 0 < one.y + one.height <= 1


@pytest.mark.parametrize(
    "limits",
    [
        {"score_threshold": 0.0},
        {"score_threshold": 0.0, "iou_threshold": 1.0},
        {"score_threshold": 0.0, "iou_threshold": 0.0},
        {"score_threshold": 0.0, "candidates": 5},
        {"score_threshold": 0.0, "max_detections": 7},
        {"score_threshold": 0.0, "iou_threshold": 1.0, "max_detections": 7, "candidates": 9},
        {"score_threshold": 0.6},
    ],
)
def test_limits_of_the_caller(detectors, limits):
    found = assert_boxes_agree(
        detectors["stretched"], PREPROCESSES["stretched"], photo(75, 131), **limits
    )
    assert found
    assert len(found) <= limits.get("max_detections", 200)


def test_no_object_is_an_empty_list(detectors):
    assert detectors["stretched"](photo(30, 40), score_threshold=1.0) == []


def test_equal_scores_are_in_the_order_of_classes_and_anchors(tiny_task):
    # With a std so large that every pixel is the same, every cell has the same outputs.
    detector = Detector(tiny_task("detect", std=[3e38] * 3, iou_threshold=1.0))
    found = detector(photo(30, 40), score_threshold=0.0, max_detections=10000)
    assert len(found) == 3 * 48
    assert len({one.score for one in found}) <= 3
    for index in (1, 2, 3):
        boxes = [(one.x, one.y) for one in found if one.index == index]
        cells = cell_anchors()
        again = [(round(x * 1000), round(y * 1000)) for x, y in boxes]
        assert len(again) == len(cells)
        rows = [y for _, y in again]
        assert rows == sorted(rows), "the earlier anchor first"


def test_objects_have_labels(detectors, tiny_task):
    found = detectors["stretched"](photo(75, 131))
    assert {one.label for one in found} <= {"cat", "dog", "hen"}
    assert found[0].label == detectors["stretched"].labels[found[0].index - 1]
    bare = Detector(tiny_task("detect", labels=""))
    assert bare.labels == ("class 1", "class 2", "class 3")
    assert bare.classes == 3


def test_the_metadata_has_the_anchors(detectors):
    spec = detectors["cropped"].metadata.detect
    np.testing.assert_array_equal(spec.anchors, cell_anchors())
    assert spec.variances == (0.1, 0.2)
    assert {name: getattr(spec, name) for name in LIMITS} == LIMITS
    assert detectors["cropped"].metadata.output_names == ("logits", "offsets")


def test_the_self_test_compares_every_output(detectors, tiny_task):
    assert detectors["stretched"].self_test().passed
    wrong = Detector(tiny_task("detect", golden_output_1=torch.zeros(1, 48, 4)))
    assert not wrong.self_test().passed


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ({"score_threshold": -0.1}, "expected score_threshold of 0 to 1, got -0.1"),
        ({"score_threshold": float("nan")}, "expected score_threshold of 0 to 1, got nan"),
        ({"iou_threshold": 1.5}, "expected iou_threshold of 0 to 1, got 1.5"),
        ({"candidates": 0}, "expected candidates of at least 1, got 0"),
        ({"max_detections": -3}, "expected max_detections of at least 1, got -3"),
        ({"score_threshold": "high"}, "score_threshold: expected a number from 0 to 1, got 'high'"),
        ({"candidates": 1.5}, "candidates: expected a whole number, got 1.5"),
    ],
)
def test_limits_that_are_none(detectors, limits, message):
    with pytest.raises(InputError, match=message):
        detectors["stretched"](photo(8, 8), **limits)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"labels": "a\nb\nc\nd"}, "expected one for each of 3 classes after the background"),
        ({"anchors": torch.zeros(47, 4)}, r"hve_anchors: expected the shape \[48, 4\], got \[47"),
        ({"anchors": torch.zeros(48, 4)}, "expected finite centers and sizes above 0"),
        ({"anchors": torch.full((48, 4), torch.nan)}, "expected finite centers and sizes above 0"),
        ({"anchors": None}, "hve_anchors: missing"),
        ({"variances": [0.1]}, "hve_variances: expected 2 numbers"),
        ({"variances": [0.1, 0.0]}, "hve_variances: expected finite numbers above 0"),
        ({"score_threshold": 1.5}, "hve_score_threshold: expected 0 to 1, got 1.5"),
        ({"iou_threshold": -1.0}, "hve_iou_threshold: expected 0 to 1, got -1"),
        ({"candidates": 0}, "hve_candidates: expected 1 to 16384, got 0"),
        ({"candidates": 16385}, "hve_candidates: expected 1 to 16384, got 16385"),
        ({"max_detections": 1 << 21}, "hve_max_detections: expected 1 to 1048576, got 2097152"),
        ({"max_detections": None}, "hve_max_detections: missing"),
        ({"output_names": "offsets\nlogits"}, "expected the output logits, float32"),
    ],
)
def test_faults_of_the_fields(tiny_task, changes, message):
    with pytest.raises(ArtifactError, match=message):
        Detector(tiny_task("detect", **changes))


def test_it_is_public():
    assert hvit_edge.Detector is Detector

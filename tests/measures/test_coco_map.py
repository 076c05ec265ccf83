"""COCO's average precision: by hand, and equal to pycocotools run on its own files."""

import json
import sys
from dataclasses import dataclass

import numpy as np
import pytest

from hvit_edge.annotations.coco_boxes import TrueBox
from hvit_edge.errors import InputError
from hvit_edge.measures.coco_map import measure_boxes


@dataclass(frozen=True)
class Found:
    index: int
    score: float
    x: float
    y: float
    width: float
    height: float


def test_boxes_that_are_right():
    truth = [[TrueBox(1, 0, 0, 40, 40)], [TrueBox(2, 5, 5, 200, 100)]]
    found = [[Found(1, 0.9, 0, 0, 40, 40)], [Found(2, 0.8, 5, 5, 200, 100)]]
    result = measure_boxes(truth, found, classes=3)
    assert (result.mean, result.at_50, result.at_75) == pytest.approx((1, 1, 1))
    assert result.small is None
    assert (result.medium, result.large) == pytest.approx((1, 1))
    assert [(row.index, row.objects) for row in result.per_class] == [(1, 1), (2, 1)]


def test_precision_by_hand():
    """A box with an overlap of 0.8 is right at 0.5 to 0.8: seven of ten overlaps."""
    truth = [[TrueBox(0, 0, 0, 10, 10)]]
    result = measure_boxes(truth, [[Found(0, 0.5, 0, 0, 10, 8)]], classes=1)
    assert result.mean == pytest.approx(0.7)
    assert (result.at_50, result.at_75, result.recall_1) == pytest.approx((1, 1, 0.7))


def test_no_detection_has_no_precision():
    result = measure_boxes([[TrueBox(0, 0, 0, 10, 10)]], [[]], classes=2)
    assert (result.mean, result.recall_100) == (0, 0)


def test_a_crowd_is_neither_missed_nor_wrong():
    truth = [[TrueBox(0, 0, 0, 10, 10), TrueBox(0, 20, 20, 50, 50, crowd=True)]]
    found = [[Found(0, 0.5, 0, 0, 10, 10), Found(0, 0.9, 25, 25, 10, 10)]]
    result = measure_boxes(truth, found, classes=1)
    assert result.mean == pytest.approx(1)
    assert result.per_class[0].objects == 1


@pytest.fixture
def scene():
    """Return objects in 12 images of 3 classes, and boxes near them and elsewhere."""
    random = np.random.default_rng(3)
    truth, found = [], []
    for _ in range(12):
        objects = [
            TrueBox(int(random.integers(3)), *random.uniform(0, 200, 2), *random.uniform(8, 150, 2))
            for _ in range(random.integers(1, 6))
        ]
        boxes = [
            Found(t.index, random.random(), *np.array([t.x, t.y, t.width, t.height]) * shake)
            for t in objects
            for shake in random.uniform(0.85, 1.15, (2, 4))
        ]
        boxes += [
            Found(int(random.integers(3)), random.random(), *random.uniform(1, 100, 4))
            for _ in range(3)
        ]
        truth.append(objects)
        found.append(boxes)
    return truth, found


def test_the_numbers_are_those_of_pycocotools_on_files(scene, tmp_path, capsys):
    """Write COCO's two JSON files, with categories from 10, and evaluate them with pycocotools."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    truth, found = scene

    def rows(images):
        for image, boxes in enumerate(images):
            for box in boxes:
                place = [box.x, box.y, box.width, box.height]
                yield {"image_id": image, "category_id": 10 + box.index, "bbox": place}

    annotations = [
        {**row, "id": n, "area": row["bbox"][2] * row["bbox"][3], "iscrowd": 0}
        for n, row in enumerate(rows(truth), start=1)
    ]
    scores = [float(box.score) for boxes in found for box in boxes]
    results = [{**row, "score": s} for row, s in zip(rows(found), scores, strict=True)]
    files = tmp_path / "truth.json", tmp_path / "found.json"
    files[0].write_text(
        json.dumps(
            {
                "info": {},
                "images": [{"id": i, "width": 400, "height": 400} for i in range(len(truth))],
                "categories": [{"id": 10 + i, "name": str(i)} for i in range(3)],
                "annotations": annotations,
            }
        )
    )
    files[1].write_text(json.dumps(results))
    reference = COCO(str(files[0]))
    evaluation = COCOeval(reference, reference.loadRes(str(files[1])), "bbox")
    evaluation.evaluate()
    evaluation.accumulate()
    evaluation.summarize()
    capsys.readouterr()

    result = measure_boxes(truth, found, classes=3)
    ours = (result.mean, result.at_50, result.at_75, result.small, result.medium, result.large)
    recalls = (result.recall_1, result.recall_10, result.recall_100)
    assert [*ours, *recalls] == pytest.approx(evaluation.stats[:9].tolist(), abs=1e-12)
    assert 0.2 < result.mean < 0.9
    assert np.mean([row.precision for row in result.per_class]) == pytest.approx(result.mean)
    assert capsys.readouterr().out == ""


def test_images_that_do_not_fit_are_refused():
    with pytest.raises(InputError, match=r"\[coco_map\] expected boxes for 1 images, got 2"):
        measure_boxes([[]], [[], []], classes=1)
    with pytest.raises(InputError, match="at least one object in the images, got none"):
        measure_boxes([[TrueBox(0, 0, 0, 1, 1, crowd=True)]], [[]], classes=1)


def test_a_missing_package_is_named(monkeypatch):
    for name in ("pycocotools", "pycocotools.cocoeval"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(InputError, match=r"pycocotools.*pip install 'hvit-edge\[eval\]'"):
        measure_boxes([[]], [[]], classes=1)

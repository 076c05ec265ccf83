"""The answers to single images, with known answers, and their file."""

import json

import numpy as np
import pytest
from pycocotools import mask as coco_masks

from hvit_edge.annotations import AnnotatedSet
from hvit_edge.annotations.coco_boxes import TrueBox
from hvit_edge.datasets import ImageSet
from hvit_edge.errors import InputError
from hvit_edge.evaluate.answers import read_answers, write_answers
from hvit_edge.evaluate.boxes import measure_detections
from hvit_edge.evaluate.embeddings import measure_embeddings
from hvit_edge.evaluate.masks import measure_masks
from hvit_edge.evaluate.report import summarise
from hvit_edge.evaluate.workers import outcome_of
from hvit_edge.runtime import Detection, Mask


def images_of(count, labels=None, broken=()):
    """Return black photos of 4 x 6 pixels whose first byte is their position."""

    def read(index):
        if index in broken:
            raise InputError("[load_image] torn")
        pixels = np.zeros((4, 6, 3), np.uint8)
        pixels[0, 0, 0] = index
        return pixels

    return ImageSet("data", [f"{i}.png" for i in range(count)], labels, read)


def classified():
    logits = [np.array([0, 2, 1], np.float32), np.array([5, 5, 0], np.float32)]
    outcomes = [outcome_of(0, 2, logits[0]), outcome_of(1, 1, logits[1], logits[0])]
    return summarise(
        outcomes,
        images_of(2, [2, 1]),
        ("a", "b", "c"),
        artifact="x.pte",
        data="data",
        against_eager=False,
    )


def test_classes_have_ranks_and_probabilities():
    first, second = classified().answers
    shares = np.exp([0, 2, 1]) / np.exp([0, 2, 1]).sum()
    assert {k: first[k] for k in ("index", "name", "label", "predicted", "rank")} == {
        "index": 0,
        "name": "0.png",
        "label": 2,
        "predicted": 1,
        "rank": 1,
    }
    assert (first["score"], first["true_score"]) == (
        pytest.approx(shares[1], abs=1e-6),
        pytest.approx(shares[2], abs=1e-6),
    )
    assert (second["predicted"], second["rank"]) == (0, 1), "of equal logits the first one wins"
    assert "eager_rank" not in first


def test_the_report_itself_has_no_answers():
    report = classified()
    assert "answers" not in report.to_dict() and report.to_dict()["task"] == "classify"
    assert report.top1 == 0 and report.top1_interval[0] == 0


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # pycocotools
def test_masks_are_cocos():
    truth = np.zeros((4, 6), np.uint8)
    truth[:, 3:], truth[0, 0] = 1, 255
    found = np.zeros((4, 6), np.uint8)
    found[:, 4:] = 1
    report = measure_masks(
        lambda image: Mask(found, None, ("a", "b", "c"), ()),
        AnnotatedSet(images_of(2, broken=[0]), lambda index: truth),
        classes=3,
    )
    torn, row = report.answers
    assert torn == {"index": 0, "name": "0.png", "skipped": "[load_image] torn"}
    assert row["classes"] == {"0": [11, 15], "1": [8, 12]}
    assert row["iou"] == pytest.approx((11 / 15 + 8 / 12) / 2)
    assert row["equal"] == pytest.approx(19 / 23)
    assert row["size"] == [4, 6]
    assert np.array_equal(coco_masks.decode(row["masks"]["1"]), found == 1)


def test_boxes_beside_the_true_ones():
    box = Detection("b", 2, 0.5, 1, 2, 3, 4)
    report = measure_detections(
        lambda image: [box],
        AnnotatedSet(images_of(1), lambda index: (TrueBox(2, 1, 2, 3, 4),)),
        classes=3,
        eager=lambda image: [],
    )
    place = {"index": 2, "x": 1, "y": 2, "width": 3, "height": 4}
    assert report.answers == (
        {
            "index": 0,
            "name": "0.png",
            "size": [4, 6],
            "boxes": [{**place, "score": 0.5}],
            "objects": [{**place, "crowd": False}],
            "eager_boxes": [],
        },
    )


def test_embeddings_name_the_nearest_image():
    vectors = {0: (1, 0), 2: (1, 0.1), 3: (0, 1), 4: (0.1, 1)}
    report = measure_embeddings(
        lambda image: np.array(vectors[int(image.flat[0])]),
        images_of(5, [0, 0, 1, 0, 2], broken=[1]),
        ("a", "b", "c"),
    )
    assert [(r.get("rank"), r.get("nearest")) for r in report.answers] == [
        (2, 2),
        (None, None),
        (None, 0),
        (2, 4),
        (None, 3),
    ]
    assert report.answers[1]["skipped"] and report.answers[1]["label"] == 0


def test_a_file_is_read_as_it_was_written(tmp_path):
    report, path = classified(), tmp_path / "a.jsonl"
    write_answers(path, report, limit=7, force=False)
    header, rows = read_answers(path)
    assert rows == json.loads(json.dumps(report.answers))
    assert header == {
        "hvit_edge_answers": 1,
        "task": "classify",
        "artifact": "x.pte",
        "data": "data",
        "limit": 7,
        "labels": {"1": "b", "2": "c"},
        "images": 2,
    }
    with pytest.raises(InputError, match="expected a new file"):
        write_answers(path, report, limit=7, force=False)
    write_answers(path, report, limit=None, force=True)
    assert read_answers(path)[0]["limit"] is None


def test_another_suffix_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"expected a name that ends in .jsonl, got .*a.npz"):
        write_answers(tmp_path / "a.npz", classified(), limit=None, force=False)


@pytest.mark.parametrize(
    ("content", "got"),
    [
        ("hello\n", "no lines of JSON"),
        ("", "no lines of JSON"),
        ('{"hvit_edge_eval": 1}\n', "another file"),
        ('{"hvit_edge_answers": 1, "images": 2}\n{}\n', "1 rows instead of 2"),
    ],
)
def test_a_foreign_file_is_refused(tmp_path, content, got):
    (tmp_path / "a.jsonl").write_text(content)
    with pytest.raises(InputError, match=f"expected answers from hvit-edge eval.*{got}"):
        read_answers(tmp_path / "a.jsonl")

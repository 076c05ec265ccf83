"""COCO's annotations, and everything that can be wrong with them."""

import json

import numpy as np
import pytest
from PIL import Image

from hvit_edge.annotations import open_boxes
from hvit_edge.annotations.coco_boxes import TrueBox
from hvit_edge.errors import InputError

LABELS = {1: "cat", 2: "traffic light"}


def annotation(number, image, category, box, **more):
    return {"id": number, "image_id": image, "category_id": category, "bbox": box, **more}


@pytest.fixture
def content(tmp_path):
    for name in ("b.png", "a.png"):
        Image.fromarray(np.full((20, 30, 3), 7, np.uint8)).save(tmp_path / name)
    return {
        "images": [
            {"id": 10, "file_name": "b.png", "width": 30, "height": 20},
            {"id": 4, "file_name": "a.png"},
        ],
        "categories": [
            {"id": 17, "name": "Cat"},
            {"id": 3, "name": "traffic_light"},
            {"id": 90, "name": "unused"},
        ],
        "annotations": [
            annotation(1, 10, 17, [1, 2, 3.5, 4], area=9.5),
            annotation(2, 10, 3, [0, 0, 30, 20.4], iscrowd=1),
        ],
    }


def opened(content, folder, **options):
    path = folder / "truth.json"
    path.write_text(json.dumps(content))
    return open_boxes(path, **{"labels": LABELS, **options})


def test_boxes_of_each_image(content, tmp_path):
    found = opened(content, tmp_path)
    assert found.images.names == ["b.png", "a.png"]
    assert found.images.read(0).shape == (20, 30, 3)
    assert found.truth(0) == (
        TrueBox(1, 1, 2, 3.5, 4, False, 9.5),
        TrueBox(2, 0, 0, 30, 20.4, True, None),
    )
    assert found.truth(1) == ()
    assert [found.take(1).images.names, found.take(1).truth(0)] == [["b.png"], found.truth(0)]


def test_without_labels_the_category_is_the_class(content, tmp_path):
    found = opened(content, tmp_path, labels={})
    assert [box.index for box in found.truth(0)] == [17, 3]


def test_without_labels_the_network_has_the_number_of_classes(content, tmp_path):
    assert len(opened(content, tmp_path, labels={}, classes=18)) == 2
    with pytest.raises(InputError, match="categories from 1 to 16, .* got annotations of 17;"):
        opened(content, tmp_path, labels={}, classes=17)


@pytest.mark.parametrize("place", ["images", "../val"])
def test_photos_are_found_next_to_the_file(content, tmp_path, place):
    folder = tmp_path / "annotations"
    folder.mkdir()
    photos = folder / place
    photos.resolve().mkdir()
    for name in ("a.png", "b.png"):
        (tmp_path / name).rename(photos / name)
    path = folder / "instances_val.json"
    path.write_text(json.dumps(content))
    assert open_boxes(path, labels=LABELS).images.read(1).shape == (20, 30, 3)


def test_missing_photos_are_named(content, tmp_path):
    (tmp_path / "a.png").unlink()
    with pytest.raises(InputError, match=r"got no a.png; name their folder with images="):
        opened(content, tmp_path)
    with pytest.raises(
        InputError, match=r"expected its photos in .*elsewhere, got no b.png, a.png"
    ):
        opened(content, tmp_path, images=tmp_path / "elsewhere")


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (annotation(7, 10, 17, [1, 1, -2, 3]), "annotation 7: a negative size"),
        (annotation(7, 10, 17, [25, 1, 7, 3]), "annotation 7: outside its image"),
        (annotation(7, 10, 17, [-2, 1, 7, 3]), "annotation 7: outside its image"),
        (annotation(7, 10, 17, [1, 1, 7]), "annotation 7: not four finite numbers"),
        (annotation(7, 10, 17, [1, 1, 7, float("nan")]), "annotation 7: not four finite"),
        (annotation(7, 10, 17, "1 1 7 7"), "annotation 7: not four finite numbers"),
        (annotation(7, 11, 17, [1, 1, 7, 3]), "annotation 7: unknown image_id"),
        (annotation(7, 10, 18, [1, 1, 7, 3]), "annotation 7: unknown category_id"),
        (annotation(7, 10, 17, [1, 1, 7, 10**400]), "annotation 7: not four finite numbers"),
        (annotation(7, 10, 17, [1, 1, 7, 3], area="21"), "annotation 7: an area that is no number"),
        (annotation(7, 10, 17, [1, 1, 7, 3], area=-1), "annotation 7: an area that is no number"),
        (annotation(7, 10, 17, [1, 1, 7, 3], iscrowd="0"), "annotation 7: an iscrowd that is"),
        (annotation(7, 10, 90, [1, 1, 7, 3]), r"got annotations of unused \(id 90\)"),
    ],
)
def test_wrong_annotations_are_named(content, tmp_path, wrong, message):
    content["annotations"].append(wrong)
    with pytest.raises(InputError, match=rf"\[datasets\] .*truth.json.*{message}"):
        opened(content, tmp_path)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"id": 10, "file_name": "a.png"}, "image 10, image 10: an id that another image has"),
        ({"id": 5, "file_name": 5}, "image 5: a file_name that is no text"),
        ({"id": 5, "file_name": "a.png", "width": "30"}, "image 5: a width or height that is no"),
        ({"id": 5, "file_name": "a.png", "height": None}, "image 5: a width or height that is no"),
    ],
)
def test_wrong_images_are_named(content, tmp_path, wrong, message):
    content["images"].append(wrong)
    with pytest.raises(InputError, match=rf"\[datasets\] .*truth.json.*{message}.*; correct"):
        opened(content, tmp_path)


def test_every_fault_is_listed(content, tmp_path):
    content["annotations"] += [
        annotation(7, 10, 17, [1, 1, -2, 3]),
        annotation(8, 10, 17, [1, 1, -2, 3]),
        annotation(9, 11, 17, [1, 1, 2, 3]),
    ]
    with pytest.raises(
        InputError, match=r"annotation 7, annotation 8: a negative size; annotation 9: unknown"
    ):
        opened(content, tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "cannot be read"),
        ("[1]", "images: expected a list .*; categories: .*; annotations: "),
        ('{"images": [], "categories": [], "annotations": []}', "images: expected at least one"),
        (
            '{"images": [{"id": 1}], "categories": [], "annotations": []}',
            "images: expected a list of objects with id and file_name",
        ),
        (
            '{"images": [{"id": [], "file_name": "a"}], "categories": [], "annotations": []}',
            "images: expected a list",
        ),
    ],
)
def test_other_files_are_refused(tmp_path, text, message):
    path = tmp_path / "truth.json"
    path.write_text(text)
    with pytest.raises(InputError, match=rf"\[datasets\] .*truth.json.*{message}"):
        open_boxes(path, labels=LABELS)
    with pytest.raises(InputError, match="cannot be read"):
        open_boxes(tmp_path / "none.json", labels=LABELS)

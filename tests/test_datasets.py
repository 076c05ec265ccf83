"""Reading of NPZ files and image folders: accepted data, and every error."""

import re

import numpy as np
import pytest
from PIL import Image

from hvit_edge.datasets import open_images
from hvit_edge.errors import InputError

LABELS = ["cat", "dog", "fire_truck"]


def write_image(path, colour=(1, 2, 3)):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (4, 3), colour).save(path)


def write_npz(path, **arrays):
    np.savez(path, **arrays)
    return path


@pytest.fixture
def folder(tmp_path):
    """Write three class folders that are named after the labels, but sorted differently."""
    for name in ("dog", "cat", "Fire Truck"):
        write_image(tmp_path / name / "b.png")
        write_image(tmp_path / name / "a.jpg")
    return tmp_path


def images_of(count, height=3, width=4):
    return np.arange(count * height * width * 3, dtype=np.uint8).reshape(count, height, width, 3)


def test_npz_gives_images_and_labels_in_order(tmp_path):
    images = images_of(3)
    path = write_npz(tmp_path / "d.npz", images=images, labels=np.array([2, 0, 1], np.uint8))
    samples = list(open_images(path, classes=3))
    assert [s.label for s in samples] == [2, 0, 1]
    assert [s.name for s in samples] == ["d.npz[0]", "d.npz[1]", "d.npz[2]"]
    assert all(np.array_equal(s.image, image) for s, image in zip(samples, images, strict=True))


def test_npz_without_labels_opens_unlabelled(tmp_path):
    path = write_npz(tmp_path / "d.npz", images=images_of(2))
    assert [s.label for s in open_images(path)] == [None, None]


def test_class_folders_are_matched_by_name(folder):
    found = open_images(folder, classes=3, class_names=LABELS)
    assert [(s.name, s.label) for s in found] == [
        ("Fire Truck/a.jpg", 2),
        ("Fire Truck/b.png", 2),
        ("cat/a.jpg", 0),
        ("cat/b.png", 0),
        ("dog/a.jpg", 1),
        ("dog/b.png", 1),
    ]


def test_class_folders_match_the_first_synonym_of_a_label(tmp_path):
    write_image(tmp_path / "tench" / "a.png")
    found = open_images(tmp_path, classes=2, class_names=["shark", "tench, Tinca tinca"])
    assert [s.label for s in found] == [1]


def test_class_folders_named_by_numbers_are_class_indices(tmp_path):
    for name in ("0", "2", "10"):
        write_image(tmp_path / name / "a.png")
    labels = {s.name: s.label for s in open_images(tmp_path, classes=11)}
    assert labels == {"0/a.png": 0, "2/a.png": 2, "10/a.png": 10}


def test_class_folders_of_other_names_are_taken_in_sorted_order(tmp_path):
    for name in ("n03", "n01", "n02"):
        write_image(tmp_path / name / "a.png")
    found = open_images(tmp_path, classes=3, class_names=LABELS)
    assert [(s.name, s.label) for s in found] == [
        ("n01/a.png", 0),
        ("n02/a.png", 1),
        ("n03/a.png", 2),
    ]


def test_unlabelled_folder_takes_images_at_any_depth_and_nothing_else(tmp_path):
    for name in ("b.PNG", "a.jpg", "deep/er/c.png", ".hidden/d.png", ".e.png"):
        write_image(tmp_path / name)
    (tmp_path / "notes.txt").write_text("no image")
    assert [s.name for s in open_images(tmp_path)] == ["a.jpg", "b.PNG", "deep/er/c.png"]


def test_single_image_opens_unlabelled(tmp_path):
    write_image(tmp_path / "a.png")
    (sample,) = open_images(tmp_path / "a.png")
    assert (sample.name, sample.label, sample.image.shape) == ("a.png", None, (3, 4, 3))


def test_unreadable_image_is_skipped_counted_and_named(folder):
    (folder / "cat" / "bad.jpg").write_bytes(b"not a picture")
    found = open_images(folder, classes=3, class_names=LABELS)
    assert len(list(found)) == 6
    assert [s.name for s in found.skipped] == ["cat/bad.jpg"]
    assert "expected an image that Pillow reads" in found.skipped[0].reason
    assert len(list(found)) == 6
    assert len(found.skipped) == 1, "a second pass starts a new list"


def test_other_files_and_empty_folders_are_named(tmp_path):
    write_image(tmp_path / "cat" / "a.jpg")
    (tmp_path / "cat" / "boxes.xml").write_text("no image")
    (tmp_path / "cat" / ".DS_Store").write_text("hidden")
    (tmp_path / "dog").mkdir()
    write_image(tmp_path / "stray.jpg")
    labelled = open_images(tmp_path, classes=3, class_names=LABELS)
    assert labelled.names == ["cat/a.jpg"]
    assert labelled.ignored.names == ("stray.jpg", "cat/boxes.xml")
    assert labelled.empty_folders == {"dog": 1}
    plain = open_images(tmp_path)
    assert plain.names == ["cat/a.jpg", "stray.jpg"]
    assert plain.ignored.names == ("cat/boxes.xml",)
    assert plain.empty_folders == {"dog": None}
    assert plain.remarks() == [
        "ignored 1 file not named like an image, or in no class folder: cat/boxes.xml",
        "found no image in 1 folder: dog",
    ]
    assert plain.take(1).remarks() == plain.remarks()
    assert labelled.take(1).populated == {0}


def test_a_photo_that_a_check_refuses_is_skipped(folder):
    def check(image):
        calls.append(image.shape)
        if len(calls) == 2:
            raise InputError("[check] refused")

    calls = []
    found = open_images(folder).checked(check)
    assert len(list(found)) == 5
    assert [(item.name, item.reason) for item in found.skipped] == [
        ("Fire Truck/b.png", "[check] refused")
    ]


@pytest.mark.parametrize("name", ["a\0b", "x" * 5000])
def test_a_path_that_cannot_be_looked_up_is_refused(name):
    with pytest.raises(InputError, match=r"\[datasets\] expected an NPZ file or a folder, got "):
        open_images(name)


def test_a_folder_without_permission_is_refused(tmp_path, monkeypatch):
    def refuse(path):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("os.listdir", refuse)
    monkeypatch.setattr("os.scandir", refuse)
    for classes in (None, 3):
        with pytest.raises(
            InputError, match="expected a folder that can be listed, got Permission"
        ):
            open_images(tmp_path, classes=classes)


def test_only_unreadable_images_are_refused(tmp_path):
    (tmp_path / "bad.jpg").write_bytes(b"not a picture")
    with pytest.raises(InputError, match="expected readable images, got 1 unreadable"):
        list(open_images(tmp_path))


def test_take_spreads_evenly(folder):
    found = open_images(folder, classes=3, class_names=LABELS)
    assert [s.label for s in found.take(3)] == [2, 0, 1]
    assert found.take(None) is found
    assert len(found.take(100)) == 6


def test_take_keeps_names_labels_and_pixels_together(tmp_path):
    images = images_of(4)
    path = write_npz(tmp_path / "d.npz", images=images, labels=np.arange(4))
    samples = list(open_images(path, classes=4).take(2))
    assert [(s.name, s.label) for s in samples] == [("d.npz[0]", 0), ("d.npz[2]", 2)]
    assert np.array_equal(samples[1].image, images[2])


def test_take_refuses_a_limit_below_one(folder):
    with pytest.raises(InputError, match=re.escape("limit: expected at least 1 image, got 0")):
        open_images(folder, classes=3, class_names=LABELS).take(0)


FOUR = np.zeros(4, np.int64)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"x": FOUR}, "expected the arrays images and labels, got x"),
        ({"images": images_of(4)}, "expected the arrays images and labels, got images"),
        (
            {"images": images_of(4).astype(np.float32), "labels": FOUR},
            "images: expected uint8 [N, height, width, 3] (RGB), got float32 [4, 3, 4, 3]",
        ),
        ({"images": images_of(4)[..., 0], "labels": FOUR}, "got uint8 [4, 3, 4]"),
        (
            {"images": images_of(4).transpose(0, 3, 1, 2), "labels": FOUR},
            "got uint8 [4, 3, 3, 4]",
        ),
        ({"images": images_of(0), "labels": FOUR[:0]}, "images: expected at least one"),
        (
            {"images": images_of(4), "labels": FOUR.astype(np.float32)},
            "labels: expected whole numbers [N], got float32 [4]",
        ),
        ({"images": images_of(4), "labels": FOUR[:, None]}, "got int64 [4, 1]"),
        ({"images": images_of(4), "labels": FOUR[:3]}, "labels: expected 4, one per image, got 3"),
        (
            {"images": images_of(4), "labels": np.array([0, 3, 9, -1])},
            "expected labels from 0 to 2, got 3 outside, the first 3 at position 1",
        ),
        (
            {"images": images_of(4), "labels": np.array([None] * 4)},
            "expected an NPZ file that numpy can read",
        ),
    ],
)
def test_unfit_npz_is_refused(tmp_path, arrays, message):
    path = write_npz(tmp_path / "d.npz", **arrays)
    with pytest.raises(InputError, match=re.escape(message)):
        open_images(path, classes=3)


def test_unfit_npz_lists_every_fault_at_once(tmp_path):
    path = write_npz(tmp_path / "d.npz", images=np.zeros(3), labels=np.zeros(2))
    with pytest.raises(InputError, match="images: .*; labels: "):
        open_images(path, classes=3)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 truncated", b"\x80\x04pickle", b"text"])
def test_npz_that_is_none_is_refused(tmp_path, content):
    path = tmp_path / "d.npz"
    path.write_bytes(content)
    with pytest.raises(InputError, match="expected an NPZ file that numpy can read"):
        open_images(path, classes=3)


def test_single_array_named_npz_is_refused(tmp_path):
    with open(tmp_path / "d.npz", "wb") as file:
        np.save(file, images_of(2))
    with pytest.raises(InputError, match="expected an NPZ file that numpy can read"):
        open_images(tmp_path / "d.npz", classes=3)


def test_truncated_npz_is_refused(tmp_path):
    path = write_npz(tmp_path / "d.npz", images=images_of(40), labels=np.zeros(40, int))
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(InputError, match="expected an NPZ file that numpy can read"):
        open_images(path, classes=3)


def test_damaged_npz_is_read_or_refused_and_nothing_else(tmp_path):
    path = tmp_path / "d.npz"
    np.savez_compressed(path, images=images_of(4), labels=np.zeros(4, int))
    whole = path.read_bytes()
    random = np.random.default_rng(0)
    refused = 0
    for _ in range(300):
        damaged = bytearray(whole)
        for position in random.integers(len(whole), size=10):
            damaged[position] = random.integers(256)
        path.write_bytes(damaged)
        try:
            list(open_images(path, classes=3))
        except InputError:
            refused += 1
    assert refused > 290


def test_missing_path_is_refused(tmp_path):
    with pytest.raises(InputError, match="got no such path: .*nowhere"):
        open_images(tmp_path / "nowhere", classes=3)


@pytest.mark.parametrize("classes", [3, None])
def test_other_file_is_refused(tmp_path, classes):
    (tmp_path / "d.csv").write_text("a,b")
    with pytest.raises(InputError, match="NPZ file or a folder of images, got .*d.csv"):
        open_images(tmp_path / "d.csv", classes=classes)


def test_single_image_is_refused_where_labels_are_needed(tmp_path):
    write_image(tmp_path / "a.png")
    with pytest.raises(InputError, match="NPZ file or a folder"):
        open_images(tmp_path / "a.png", classes=3)


def test_empty_folder_is_refused(tmp_path):
    with pytest.raises(InputError, match="expected images, got none"):
        open_images(tmp_path)
    with pytest.raises(InputError, match="expected one subfolder per class, got no subfolder"):
        open_images(tmp_path, classes=3)
    (tmp_path / "cat").mkdir()
    with pytest.raises(InputError, match="expected images in its 1 subfolders, got none"):
        open_images(tmp_path, classes=3, class_names=LABELS)


def test_class_folder_of_unknown_name_among_known_ones_is_refused(folder):
    (folder / "dgo").mkdir()
    with pytest.raises(InputError, match=re.escape("got dgo (did you mean dog?)")):
        open_images(folder, classes=3, class_names=LABELS)


def test_class_folders_of_another_count_are_refused(tmp_path):
    for name in ("x", "y"):
        write_image(tmp_path / name / "a.png")
    with pytest.raises(InputError, match="expected 3 subfolders, one per class"):
        open_images(tmp_path, classes=3, class_names=LABELS)


def test_class_index_outside_is_refused(tmp_path):
    for name in ("0", "3"):
        write_image(tmp_path / name / "a.png")
    with pytest.raises(InputError, match="expected labels from 0 to 2, got 1 outside, the first 3"):
        open_images(tmp_path, classes=3)

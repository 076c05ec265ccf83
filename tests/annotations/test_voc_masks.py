"""Folders in the layout of Pascal VOC, and everything that can be wrong with one."""

import numpy as np
import pytest
from PIL import Image

from hvit_edge.annotations import open_masks
from hvit_edge.annotations.voc_masks import check_size
from hvit_edge.errors import InputError

MASK = np.array([[0, 1, 2], [255, 0, 1]], np.uint8)


def write_photo(path, height=2, width=3):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((height, width, 3), 90, np.uint8)).save(path)


def write_map(path, mask, palette=True):
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(mask)
    if palette:
        image = image.convert("P") if image.mode != "L" else image
        image.putpalette([7, 99, 200] * 256)
    image.save(path)


@pytest.fixture
def folder(tmp_path):
    for name in ("b", "a", "c"):
        write_photo(tmp_path / f"JPEGImages/{name}.jpg")
        write_map(tmp_path / f"SegmentationClass/{name}.png", MASK, palette=name != "c")
    write_photo(tmp_path / "JPEGImages/other.jpg")
    return tmp_path


def test_photos_and_maps_by_name(folder):
    found = open_masks(folder, classes=3)
    assert found.images.names == ["a.jpg", "b.jpg", "c.jpg"]
    assert [found.images.read(i).shape for i in range(3)] == [(2, 3, 3)] * 3
    for index in range(3):  # with and without a palette
        assert np.array_equal(found.truth(index), MASK)
    assert str(found.images.ignored) == "other.jpg"


def test_a_limit_keeps_photo_and_map_together(folder):
    write_map(folder / "SegmentationClass/c.png", MASK * 0)
    found = open_masks(folder, classes=3).take(2)
    assert (found.images.names, len(found)) == (["a.jpg", "b.jpg"], 2)
    found = open_masks(folder, classes=3, split=None).take(1)
    assert np.array_equal(found.truth(0), MASK)
    with pytest.raises(InputError, match="limit: expected at least 1 image, got 0"):
        found.take(0)


def test_a_split_names_its_photos(folder):
    lists = folder / "ImageSets/Segmentation"
    lists.mkdir(parents=True)
    (lists / "val.txt").write_text("c\nb 1\n\n")
    assert open_masks(folder, classes=3, split="val").images.names == ["c.jpg", "b.jpg"]
    with pytest.raises(InputError, match=r"split=: expected .*got train.*lists: val"):
        open_masks(folder, classes=3, split="train")
    (lists / "empty.txt").write_text("\n")
    with pytest.raises(InputError, match="expected names of photos, got an empty list"):
        open_masks(folder, classes=3, split="empty")
    (lists / "more.txt").write_text("b\nd\n")
    with pytest.raises(InputError, match=r"JPEGImages has no photos d; SegmentationClass has no"):
        open_masks(folder, classes=3, split="more")


def test_a_map_without_a_photo_is_refused(folder):
    (folder / "JPEGImages/b.jpg").unlink()
    with pytest.raises(InputError, match="JPEGImages has no photos b; add the files"):
        open_masks(folder, classes=3)


@pytest.mark.parametrize("other", ["JPEGImages/b.png", "SegmentationClass/old/b.png"])
def test_two_files_of_one_name_are_refused(folder, other):
    path = folder / other
    path.parent.mkdir(exist_ok=True)
    write_photo(path)
    first = "JPEGImages/b.jpg" if path.parent.name == "JPEGImages" else "SegmentationClass/b.png"
    with pytest.raises(InputError, match=rf"expected files .* got {first}, {other}; remove or"):
        open_masks(folder, classes=3)


def test_another_layout_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"expected JPEGImages/NAME.jpg .* no folder JPEGImages"):
        open_masks(tmp_path, classes=3)
    write_photo(tmp_path / "JPEGImages/a.jpg")
    with pytest.raises(InputError, match="got no folder SegmentationClass"):
        open_masks(tmp_path, classes=3)
    (tmp_path / "SegmentationClass").mkdir()
    with pytest.raises(InputError, match="expected label maps, got an empty folder"):
        open_masks(tmp_path, classes=3)


def test_unknown_values_are_refused_with_every_file(folder):
    write_map(folder / "SegmentationClass/a.png", np.full((2, 3), 3, np.uint8))
    write_map(folder / "SegmentationClass/c.png", np.array([[7, 254, 0]], np.uint8))
    with pytest.raises(
        InputError, match=r"from 0 to 2, and 255 .* 2 label maps: a.png \(3\), c.png \(7, 254\)"
    ):
        open_masks(folder, classes=3)


def test_deep_label_maps_are_read(folder):
    deep = np.array([[0, 300, 255]], np.uint16)
    write_map(folder / "SegmentationClass/a.png", deep, palette=False)
    found = open_masks(folder, classes=301)
    assert np.array_equal(found.truth(0), deep)


def test_colors_are_no_label_map(folder):
    write_photo(folder / "SegmentationClass/a.png")
    with pytest.raises(InputError, match=r"a.png: expected a label map .* got mode RGB"):
        open_masks(folder, classes=3)


def test_a_damaged_label_map_is_refused(folder):
    (folder / "SegmentationClass/a.png").write_bytes(b"no image")
    with pytest.raises(InputError, match=r"a.png: expected a label map that Pillow reads"):
        open_masks(folder, classes=3)


def test_a_map_of_another_size_is_refused():
    photo = np.zeros((2, 4, 3), np.uint8)
    check_size("a.jpg", np.zeros((2, 4), np.uint8), photo.shape[:2])
    with pytest.raises(InputError, match=r"a.jpg: expected a label map of 4x2 pixels.* got 3x2"):
        check_size("a.jpg", MASK, photo.shape[:2])

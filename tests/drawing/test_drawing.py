"""Drawings have the colors of the artifact at the right pixels, and stay readable."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hvit_edge.drawing import DrawnBox, check_suffix, draw_boxes, draw_mask, encode
from hvit_edge.drawing.boxes import _overlap
from hvit_edge.drawing.masks import SHARE
from hvit_edge.drawing.picture import readable_on, scale_of
from hvit_edge.errors import InputError

PHOTO = np.full((400, 600, 3), 100, np.uint8)
COLORS = ("#000000", "#ff0000", "#0000ff")
LABELS = ("background", "cat", "dog")


@pytest.fixture
def mask():
    classes = np.zeros((400, 600), np.uint8)
    classes[100:200, 100:300] = 1
    classes[300:350, 400:500] = 2
    return classes


def test_a_mask_is_blended_in_its_colors(mask):
    picture = np.asarray(draw_mask(PHOTO, mask, COLORS, LABELS)).astype(float)
    kept = 100 * (1 - SHARE)
    assert picture[150, 200] == pytest.approx([kept + SHARE * 255, kept, kept], abs=0.6)
    assert picture[325, 450] == pytest.approx([kept, kept, kept + SHARE * 255], abs=0.6)
    assert (picture[10, 10] == 100).all()
    assert (picture[150, 299] == [255, 0, 0]).all()  # its border
    assert picture.shape[0] > 400  # the legend is below the photo
    assert picture.shape[1] == 600


def test_the_legend_has_the_colors_of_the_mask(mask):
    def legend(classes):
        picture = np.asarray(draw_mask(PHOTO, classes, COLORS, LABELS))[400:]
        return {tuple(color) for color in np.unique(picture.reshape(-1, 3), axis=0).tolist()}

    assert {(255, 0, 0), (0, 0, 255), (255, 255, 255)} <= legend(mask)
    assert (0, 0, 255) not in legend(np.minimum(mask, 1))
    assert (0, 0, 0) in legend(mask * 0)  # the words "no object"


def test_class_0_is_colored_if_it_is_no_background(mask):
    road = ("#00ff00", *COLORS[1:])
    picture = np.asarray(draw_mask(PHOTO, mask, road, ("road", "cat", "dog"))).astype(float)
    assert picture[10, 10, 1] == pytest.approx(100 * (1 - SHARE) + SHARE * 255, abs=0.6)
    unnamed = np.asarray(draw_mask(PHOTO, mask, road))
    assert (unnamed[10, 10] == 100).all()


def test_many_classes_take_several_rows():
    classes = np.arange(60, dtype=np.uint8).repeat(10)[None].repeat(400, 0)
    few = draw_mask(PHOTO, classes // 30, ["#102030"] * 60)
    many = draw_mask(PHOTO, classes, ["#102030"] * 60, [f"a long name {i}" for i in range(60)])
    assert many.height > few.height + 100


def test_a_mask_of_another_size_is_refused(mask):
    with pytest.raises(
        InputError, match=r"\[draw\] expected a mask of the photo's size \[400, 600"
    ):
        draw_mask(PHOTO, mask[1:], COLORS)


def test_a_box_is_drawn_where_it_is():
    picture = np.asarray(draw_boxes(PHOTO, [DrawnBox(100, 100, 200, 150, "cat", "#ff0000")]))
    assert picture.shape == PHOTO.shape
    middle = 100 + 150 // 2
    assert (picture[middle, 100] == [255, 0, 0]).all()
    assert (picture[middle, 299] == [255, 0, 0]).all()
    assert (picture[249, 200] == [255, 0, 0]).all()
    assert (picture[middle, 99] == 0).all()  # a black line outside, a white one inside
    assert (picture[middle, 103] == 255).all()
    assert (picture[middle, 200] == 100).all()
    plate = picture[80:100, 100:150].reshape(-1, 3)
    assert (plate == [255, 0, 0]).all(1).mean() > 0.25


@pytest.mark.parametrize("text", ["cat", "a label that is wider than its box " * 9])
@pytest.mark.parametrize(
    "place", [(0, 0, 5, 5), (595, 395, 5, 5), (-9, -9, 900, 900), (300, 0, 0.2, 0.2)]
)
def test_boxes_at_the_border_are_drawn(place, text):
    picture = np.asarray(draw_boxes(PHOTO, [DrawnBox(*place, text, "#00ff00")]))
    assert (picture == [0, 255, 0]).all(-1).any()


def test_labels_do_not_hide_each_other():
    boxes = [DrawnBox(100, 100, 200, 200, f"cat {i}", f"#ff{i:02x}00") for i in range(5)]
    picture = np.asarray(draw_boxes(PHOTO, boxes))
    plates = [(picture == [255, i, 0]).all(-1).sum() for i in range(5)]
    assert min(plates) > 300
    assert _overlap((0, 0, 2, 2), (1, 1, 3, 3)) and not _overlap((0, 0, 2, 2), (2, 0, 3, 3))


@pytest.mark.parametrize(
    ("size", "scale"),
    [((32, 32), 10), ((1, 1), 320), ((400, 600), 1), ((1, 16384), 1), ((2, 640), 2)],
)
def test_small_photos_are_enlarged(size, scale):
    assert scale_of(*size) == scale
    height, width = (side * scale for side in size)
    photo = np.zeros((*size, 3), np.uint8)
    assert draw_boxes(photo, [DrawnBox(0, 0, 1, 1, "a", "#ffffff")]).size == (width, height)
    assert draw_mask(photo, np.zeros(size, int), COLORS).width == width


def test_text_is_black_or_white():
    assert readable_on((255, 255, 0)) == (0, 0, 0)
    assert readable_on((0, 0, 255)) == (255, 255, 255)


@pytest.mark.parametrize(("name", "limit"), [("a.webp", 16383), ("a.jpg", 65500)])
def test_pictures_that_a_format_cannot_have_are_refused(name, limit):
    assert encode(Image.new("RGB", (limit, 1)), Path(name))
    with pytest.raises(InputError, match=rf"{name}: expected sides of at most {limit} .* PNG file"):
        encode(Image.new("RGB", (1, limit + 1)), Path(name))
    assert encode(Image.new("RGB", (limit + 1, 1)), Path("a.png"))


def test_pictures_have_the_format_of_their_name():
    picture = draw_boxes(PHOTO, [])
    for name, kind in (("a.png", "PNG"), ("a.JPG", "JPEG"), ("a.webp", "WEBP")):
        assert Image.open(io.BytesIO(encode(picture, Path(name)))).format == kind
    with pytest.raises(InputError, match=r"ends in .png, .jpg, .jpeg, .webp, got a.txt"):
        check_suffix(Path("a.txt"))

"""Check the composed scenes: areas of the shapes by geometry, and masks against boxes."""

from __future__ import annotations

from math import pi, sin, sqrt

import numpy as np
import pytest
from shape_scenes import CALIBRATION, HELD_OUT, SHAPES, TRAINING, compose
from shape_scenes.outlines import ARM, HOLE, WAIST, draw_outline, polygon
from shape_scenes.scene import VISIBLE

from hvit_edge.images.load_image import load_image
from hvit_edge.weights.bundled import ASSETS

AREAS = {
    "circle": 32 * sin(pi / 32),  # a polygon of 64 corners
    "triangle": 3 * sqrt(3) / 4,
    "square": 2.0,
    "star": 10 * WAIST * sin(pi / 5) / 2,
    "ring": 32 * sin(pi / 32) * (1 - HOLE**2),
    "cross": 8 * ARM - 4 * ARM**2,
}


@pytest.fixture(scope="module")
def scenes():
    return [compose(HELD_OUT, index, 64) for index in range(60)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("angle", "stretch"), [(0.0, 1.0), (0.7, 1.4), (2.0, 0.8)])
def test_outline_covers_the_area_of_its_shape(shape, angle, stretch):
    cover = draw_outline(shape, 40, angle=angle, stretch=stretch, shift=(0.0, 0.0))
    assert cover.dtype == np.float32 and cover.min() == 0 and cover.max() == 1
    # Pillow also fills the pixels on the border: a fifth of a pixel along the outline.
    assert cover.sum() == pytest.approx(AREAS[shape] * 1600, rel=0.03)


def test_stretch_turn_and_shift():
    plain, moved = (
        draw_outline("square", 20, angle=0.0, stretch=1.0, shift=shift)
        for shift in [(0.0, 0.0), (1.0, 0.0)]
    )
    np.testing.assert_array_equal(moved[:, 1:], plain[:, :-1])
    wide = draw_outline("square", 20, angle=0.0, stretch=2.0, shift=(0.0, 0.0)) > 0.5
    assert wide.any(axis=0).sum() == pytest.approx(2 * wide.any(axis=1).sum(), abs=2)
    turned = draw_outline("square", 20, angle=pi / 2, stretch=2.0, shift=(0.0, 0.0)) > 0.5
    assert (turned != wide.T).mean() < 0.01


def test_unknown_shape():
    with pytest.raises(ValueError, match="expected one of circle"):
        polygon("heart")


def test_same_arguments_give_the_same_scene():
    first, second = (compose(TRAINING, 7, 48, 64) for _ in range(2))
    for name in ("image", "classes", "labels", "boxes"):
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))
    assert first.image.shape == (48, 64, 3) and first.image.dtype == np.uint8
    assert first.classes.shape == (48, 64) and first.classes.dtype == np.uint8
    others = [compose(TRAINING, 8, 48, 64), compose(HELD_OUT, 7, 48, 64)]
    others.append(compose(CALIBRATION, 7, 48, 64))
    assert all((other.image != first.image).any() for other in others)


def test_boxes_contain_their_masks(scenes):
    for scene in scenes:
        covered = np.zeros(scene.classes.shape, bool)
        for label, (left, top, right, bottom) in zip(
            scene.labels, scene.boxes.astype(int), strict=True
        ):
            assert 0 <= left < right <= 64 and 0 <= top < bottom <= 64
            assert (scene.classes[top:bottom, left:right] == label).any()
            covered[top:bottom, left:right] = True
        assert not scene.classes[~covered].any()


def test_box_of_a_single_shape_is_tight(scenes):
    single = [scene for scene in scenes if len(scene.labels) == 1]
    assert len(single) > 4
    for scene in single:
        ys, xs = np.nonzero(scene.classes)
        tight = [xs.min(), ys.min(), xs.max() + 1, ys.max() + 1]
        np.testing.assert_array_equal(scene.boxes[0], tight)


def test_scenes_have_every_shape_and_sometimes_none(scenes):
    counts = np.array([len(scene.labels) for scene in scenes])
    assert counts.min() == 0 and counts.max() == 5
    assert set(np.concatenate([scene.labels for scene in scenes])) == set(range(1, 7))


def test_shapes_stay_visible(scenes):
    """A ring fills the smallest share of its box of the shapes that no border cuts."""
    for scene in scenes:
        for label, box in zip(scene.labels, scene.boxes, strict=True):
            left, top, right, bottom = box.astype(int)
            inside = scene.classes[top:bottom, left:right] == label
            assert inside.mean() > 0.2 * VISIBLE


def test_bundled_scene_is_held_out():
    """The scene in the package is composed, and only changed by JPEG."""
    bundled = load_image(ASSETS / "shapes.jpg")
    scene = compose(HELD_OUT, 1089, *bundled.shape[:2])
    assert bundled.shape == (360, 480, 3)
    assert np.abs(bundled.astype(int) - scene.image).mean() < 4
    assert len(scene.labels) == 4

"""Masks in C++, compared with PyTorch's interpolation in float64."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from photo_frames import ORIENTATIONS, PREPROCESSES, frame, in_input, photo, stored, upright
from torch.nn import functional

import hvit_edge
from hvit_edge.errors import ArtifactError, InputError
from hvit_edge.runtime import Classifier, Segmenter
from hvit_edge.runtime.binding import cpp

MARGIN = 1e-4
"""Pixels whose two largest logits are closer may have either class."""
CONFIDENCE = 1e-5


@pytest.fixture(scope="module")
def segmenters(tiny_task):
    return {name: Segmenter(tiny_task("segment", preprocess=p)) for name, p in PREPROCESSES.items()}


def logits_at(logits: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Return the interpolated logits [classes, rows, columns] at parts of the input, float64."""
    grid = np.stack(np.meshgrid(columns * 2 - 1, rows * 2 - 1), axis=-1)
    sampled = functional.grid_sample(
        torch.from_numpy(logits).double(),
        torch.from_numpy(grid[None]),
        padding_mode="border",
        align_corners=False,
    )
    return sampled[0].numpy()


def assert_masks_agree(segmenter, preprocess, pixels, rotation=0, mirror=False):
    given = frame(pixels, rotation, mirror)
    native = segmenter._native
    classes, confidence = native.segment(given, True)
    assert classes.dtype == np.uint8
    assert classes.shape == confidence.shape == pixels.shape[:2]
    np.testing.assert_array_equal(native.segment(given)[0], classes)

    seen = upright(pixels, rotation, mirror)
    rows, columns = in_input(preprocess, *seen.shape[:2])
    logits = logits_at(native.outputs(given)[0], rows, columns)
    inside = ((rows >= 0) & (rows < 1))[:, None] & ((columns >= 0) & (columns < 1))
    two = np.sort(logits, axis=0)[-2:]
    clear = inside & (two[1] - two[0] > MARGIN)
    wanted = np.where(inside, logits.argmax(0), 0)
    shares = functional.softmax(torch.from_numpy(logits), dim=0).amax(0).numpy()
    different = stored(clear & (wanted != upright(classes, rotation, mirror)), rotation, mirror)
    assert not different.any(), np.argwhere(different)[:5]
    assert not upright(classes, rotation, mirror)[~inside].any()
    np.testing.assert_allclose(
        upright(confidence, rotation, mirror), np.where(inside, shares, 0), atol=CONFIDENCE
    )
    return wanted, inside


@pytest.mark.parametrize("name", PREPROCESSES)
@pytest.mark.parametrize(("rotation", "mirror"), ORIENTATIONS)
def test_every_orientation_of_a_frame_with_odd_sides(segmenters, name, rotation, mirror):
    wanted, inside = assert_masks_agree(
        segmenters[name], PREPROCESSES[name], photo(75, 131), rotation, mirror
    )
    assert len(np.unique(wanted)) >= 4
    assert inside.all() == (name == "stretched")


@pytest.mark.parametrize("sides", [(1, 1), (1, 9), (7, 1), (2, 3), (32, 24), (24, 32), (500, 301)])
@pytest.mark.parametrize("name", PREPROCESSES)
def test_sizes_of_frames(segmenters, name, sides):
    assert_masks_agree(segmenters[name], PREPROCESSES[name], photo(*sides))


def test_a_stretched_photo_is_interpolated_as_pytorch_does(segmenters):
    segmenter = segmenters["stretched"]
    pixels = photo(111, 64)
    logits = torch.from_numpy(segmenter.outputs(pixels)[0]).double()
    wanted = functional.interpolate(logits, (111, 64), mode="bilinear", align_corners=False)[0]
    two = wanted.topk(2, dim=0).values
    clear = (two[0] - two[1] > MARGIN).numpy()
    mask = segmenter(pixels)
    np.testing.assert_array_equal(mask.classes[clear], wanted.argmax(0).numpy()[clear])
    assert clear.mean() > 0.99
    assert mask.confidence is None


@pytest.mark.parametrize("sides", [(16384, 3), (3, 16384)])
def test_long_frames(segmenters, sides):
    assert_masks_agree(segmenters["stretched"], PREPROCESSES["stretched"], photo(*sides))


def test_the_mask_describes_its_classes(segmenters, tiny_task):
    mask = segmenters["stretched"](photo(20, 30), confidence=True)
    assert mask.labels == tuple("abcde")
    assert mask.colors == ("#000000", "#800000", "#008000", "#808000", "#000080")
    assert mask.confidence.dtype == np.float32
    own = Segmenter(
        tiny_task("segment", labels="", colors="\n".join(f"#0102a{i}" for i in "56789"))
    )
    assert own(photo(20, 30)).labels[3] == "class 3"
    assert own.colors[1] == "#0102a6"
    assert own.metadata.colors == own.colors
    assert own._native.color(1) == (1, 2, 0xA6)
    outside = [own._native.color(index) for index in (9, 15, 255)]
    assert outside == [(192, 0, 0), (192, 128, 128), (224, 224, 192)], "the palette of VOC"
    assert own.metadata.output_names == ("logits",)


def test_the_self_test_compares_every_output(segmenters, tiny_task):
    result = segmenters["cropped"].self_test()
    assert result.passed
    assert result.max_rel < 1e-5
    wrong = Segmenter(tiny_task("segment", golden_output_0=torch.zeros(1, 5, 8, 6)))
    assert not wrong.self_test().passed


def test_it_is_public():
    assert hvit_edge.Segmenter is Segmenter


def test_another_task_is_refused_by_name(tiny, tiny_task):
    path = tiny_task("segment")
    with pytest.raises(ArtifactError, match="task classify, got one of the task segment; use Segm"):
        Classifier(path)
    with pytest.raises(ArtifactError, match="task segment, got one of the task classify; use Cla"):
        Segmenter(tiny.path)
    with pytest.raises(ArtifactError, match=r"\[Detector.create\] .* task segment; use Segmenter"):
        hvit_edge.Detector(path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"labels": "a\nb"}, "hve_labels: expected one for each of 5 classes, or none, got 2"),
        ({"colors": "#000000"}, "hve_colors: expected one for each of 5 classes, or none, got 1"),
        ({"colors": "\n".join(["#00000g"] * 5)}, "expected lines #rrggbb, got '#00000g'"),
        ({"colors": None}, "hve_colors: missing"),
        ({"output_names": "mask"}, "expected the output logits, float32 .1, any, any, any., got"),
        ({"output_names": "a\nb"}, "hve_output_names: expected 1 different names, got 2"),
        ({"golden_output_0": None}, "hve_golden_output_0: missing"),
        ({"methods": "32x24\t1\t32\t24"}, "expected one method for the task segment"),
        ({"schema_version": 1}, "hve_schema_version: expected 2, got 1"),
    ],
)
def test_faults_of_the_fields(tiny_task, changes, message):
    with pytest.raises(ArtifactError, match=message):
        Segmenter(tiny_task("segment", **changes))


def test_images_that_are_none(segmenters):
    with pytest.raises(
        InputError, match=r"^\[image\] expected a path, a PIL image or an array, got int"
    ):
        segmenters["stretched"](3)


def test_values_that_are_not_finite(tiny_task):
    overflowing = Segmenter(tiny_task("segment", std=[3e-39] * 3))
    with pytest.raises(ArtifactError, match="expected finite logits, got .* higher precision"):
        overflowing(photo(9, 9))


def test_run_length_is_that_of_coco():
    # Written by pycocotools 2.0.11 for these masks.
    mask = np.zeros((4, 5), np.uint8)
    mask[1:3, 1:4] = 7
    assert cpp.run_length(mask, 7) == "5220003"
    assert cpp.run_length(np.full((3, 3), 7, np.uint8), 7) == "09"
    assert cpp.run_length(np.zeros((3, 3), np.uint8), 7) == "9"
    tall = np.zeros((300, 9), np.uint8)
    tall[10:290, 3:5] = 7
    assert cpp.run_length(tall, 7) == "^l0h8d00VU1"


@pytest.mark.parametrize("sides", [(1, 1), (5, 3), (130, 67), (64, 128)])
def test_run_lengths_and_polygons_cover_the_class(sides):
    rng = np.random.default_rng(sides[0])
    for share in (0.1, 0.5, 0.9):
        classes = (rng.random(sides) < share).astype(np.uint8)
        for index in (0, 1, 2):
            np.testing.assert_array_equal(
                decoded(cpp.run_length(classes, index), *sides), classes == index
            )
            np.testing.assert_array_equal(
                filled(cpp.polygons(classes, index), *sides), classes == index
            )


def decoded(counts: str, height: int, width: int) -> np.ndarray:
    """Return the mask of COCO's compressed counts."""
    numbers: list[int] = []
    letters = [ord(letter) - 48 for letter in counts]
    while letters:
        number, shift, more = 0, 0, True
        while more:
            letter = letters.pop(0)
            number |= (letter & 31) << shift
            shift += 5
            more = bool(letter & 32)
        if letter & 16:
            number -= 1 << shift
        numbers.append(number + numbers[-2] if len(numbers) > 2 else number)
    values = np.repeat(np.arange(len(numbers)) % 2, numbers)
    return values.reshape(width, height).T.astype(bool)


def filled(rings: list, height: int, width: int) -> np.ndarray:
    """Return the pixels inside of rings by the even-odd rule."""
    crossings = np.zeros((height, width + 1), int)
    for ring in rings:
        for (x, y), (next_x, next_y) in zip(ring, ring[1:] + ring[:1], strict=True):
            assert (x == next_x) != (y == next_y), "a corner at each end of an edge"
            if x == next_x:
                crossings[min(y, next_y) : max(y, next_y), x] += 1
    return (crossings.cumsum(axis=1) % 2 == 1)[:, :width]


def test_polygons_of_a_square_with_a_hole():
    classes = np.zeros((5, 6), np.uint8)
    classes[1:4, 1:5] = 1
    classes[2, 2] = 0
    outside = [(1, 1), (5, 1), (5, 4), (1, 4)]
    hole = [(2, 3), (3, 3), (3, 2), (2, 2)]
    assert cpp.polygons(classes, 1) == [outside, hole]
    assert cpp.polygons(classes, 2) == []


def test_a_class_that_the_mask_does_not_have(segmenters):
    mask = segmenters["stretched"](photo(8, 8))
    assert mask.run_length(4)["size"] == [8, 8]
    for call in (mask.run_length, mask.polygons):
        with pytest.raises(InputError, match=r"expected a class of 0 to 4, got 5"):
            call(5)

"""The C++ preprocessing gives the same bytes as Pillow and numpy."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hvit_edge.errors import InputError
from hvit_edge.preprocess import Preprocess
from hvit_edge.runtime.binding import cpp

# The tolerance in gray levels of 255. The arithmetic is the same, so it is zero.
LEVELS = 0

FILTERS = ("bilinear", "bicubic", "lanczos")
RESIZES = ("shortest", "stretch", "shortest-floor", "stretch:36")
SIZES = [
    (1, 1),
    (1, 2),
    (2, 1),
    (20000, 10),
    (10, 20000),
    (7, 3000),
    (333, 500),  # landscape
    (500, 333),  # portrait, columns first
    (700, 240),  # portrait, rows first
    (36, 36),  # already resized: no pass at all
    (36, 90),  # one pass
    (90, 36),
    (32, 24),  # already the input
    (35, 37),  # one pixel away
    (1080, 1920),
]


def specification(filter_: str, resize: str, **changes) -> Preprocess:
    rule, _, size = resize.partition(":")
    fields = {
        "input_size": (32, 24),
        "resize": rule,
        "resize_size": 36 if size or rule != "stretch" else 0,
        "interpolation": filter_,
        **changes,
    }
    return Preprocess(**fields)


def pattern(height: int, width: int, kind: str = "noise", seed: int = 0) -> np.ndarray:
    """Return noise, hard edges that make bicubic overshoot, or a smooth ramp."""
    rows, columns = np.mgrid[0:height, 0:width]
    if kind == "noise":
        return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    if kind == "edges":
        return np.repeat(((rows // 5 + columns // 3) % 2 * 255)[..., None], 3, 2).astype(np.uint8)
    return np.stack([rows, columns, rows + columns], 2).astype(np.uint8)


@pytest.mark.parametrize("resize", RESIZES)
@pytest.mark.parametrize("filter_", FILTERS)
def test_bytes_equal_pillows(native, filter_, resize, record_property):
    spec = specification(filter_, resize)
    processor = native(spec)
    differences = []
    for (height, width), kind in itertools.product(SIZES, ("noise", "edges", "ramp")):
        image = pattern(height, width, kind)
        expected = spec.resize_and_crop(image).astype(int)
        differences.append(np.abs(processor.resize_and_crop(image) - expected))
    largest = max(d.max() for d in differences)
    mean = np.mean([d.mean() for d in differences])
    summary = f"largest difference {largest}, mean {mean:.4f} grey levels"
    record_property("measured", f"patterns, {filter_}, {resize}, from Pillow: {summary}")
    assert largest <= LEVELS


@settings(
    deadline=None, max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    size=st.tuples(st.integers(1, 150), st.integers(1, 150)),
    input_size=st.tuples(st.integers(1, 80), st.integers(1, 80)),
    margin=st.integers(0, 40),
    filter_=st.sampled_from(FILTERS),
    resize=st.sampled_from(RESIZES),
    kind=st.sampled_from(["noise", "edges", "ramp"]),
    seed=st.integers(0, 100),
)
def test_any_size(native, size, input_size, margin, filter_, resize, kind, seed):
    resize_size = 0 if resize == "stretch" else max(input_size) + margin
    spec = Preprocess(input_size, resize.partition(":")[0], resize_size, filter_)
    image = pattern(*size, kind, seed)
    expected = spec.resize_and_crop(image)
    np.testing.assert_array_equal(native(spec).resize_and_crop(image), expected)


@pytest.mark.parametrize("order", ["RGB", "BGR"])
def test_normalised_floats_are_equal_bit_for_bit(native, order):
    every_byte = np.arange(256, dtype=np.uint8).reshape(16, 16)
    image = np.stack([every_byte, every_byte.T, 255 - every_byte], 2)
    spec = Preprocess(
        (16, 16), "stretch", 0, "bicubic", (0.485, 0.456, 0.406), (0.229, 0.224, 0.225), order
    )
    actual = native(spec)(image)
    assert actual.dtype == np.float32
    np.testing.assert_array_equal(actual, spec(image))


def test_one_preprocessor_takes_photos_of_changing_sizes(native):
    spec = specification("bicubic", "shortest", mean=(0.1, 0.2, 0.3), channel_order="BGR")
    processor = native(spec)
    for height, width in [*SIZES, *reversed(SIZES)]:
        image = pattern(height, width)
        np.testing.assert_array_equal(processor(image), spec(image))


def test_rows_with_padding(native):
    spec = specification("bicubic", "shortest")
    padded = pattern(60, 80)
    image = padded[:, :70]
    np.testing.assert_array_equal(native(spec)(image), spec(np.ascontiguousarray(image)))


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("input_height", 0, "input size: expected 1 to 16384 pixels a side, got 0x24"),
        ("input_width", 20000, "input size"),
        ("resize_size", 31, "resize_size: expected 32 to 16384, got 31"),
        ("resize_size", 2**30, "resize_size: expected 32 to 16384"),
        ("resize_size", 0, "resize_size: expected 32 to 16384, got 0"),
        ("mean", [0.0, float("nan"), 0.0], "channel 1: expected a finite mean"),
        ("std", [1.0, 1.0, 0.0], "channel 2: expected a finite mean and a std above 0"),
    ],
)
def test_impossible_specifications(field, value, message):
    spec = cpp.PreprocessSpec()
    spec.input_height, spec.input_width, spec.resize_size = 32, 24, 36
    setattr(spec, field, value)
    with pytest.raises(InputError, match=message):
        cpp.Preprocessor(spec)


def test_a_stretch_to_less_than_the_input_is_impossible():
    spec = cpp.PreprocessSpec()
    spec.input_height, spec.input_width, spec.resize_size = 32, 24, 31
    spec.resize = cpp.Resize.stretch
    with pytest.raises(InputError, match="resize_size: expected 32 to 16384, or 0, got 31"):
        cpp.Preprocessor(spec)
    with pytest.raises(InputError, match="resize_size: expected at least 32, or 0, got 31"):
        Preprocess((32, 24), "stretch", 31)


@pytest.mark.parametrize("resize", ["shortest", "shortest-floor"])
def test_without_a_resize_size_the_shorter_side_becomes_the_longer_side_of_the_input(resize):
    assert Preprocess((160, 96), resize) == Preprocess((160, 96), resize, 160)
    assert Preprocess((160, 160)).resize_size == 160


def test_the_crop_begins_at_the_half_rounded_to_even_or_down():
    columns = np.arange(35, dtype=np.uint8)  # three more than the input: 1.5 is 2 or 1
    image = np.ascontiguousarray(np.broadcast_to(columns[None, :, None], (32, 35, 3)))
    first = {
        resize: Preprocess((32, 32), resize).resize_and_crop(image)[0, 0, 0]
        for resize in ("shortest", "shortest-floor")
    }
    assert first == {"shortest": 2, "shortest-floor": 1}


def test_a_photo_too_elongated_to_resize(native):
    spec = Preprocess((8000, 8000), "shortest", 8000)
    with pytest.raises(InputError, match="expected a photo that is less elongated, got 1000000x1"):
        native(spec)(np.zeros((1, 1_000_000, 3), np.uint8))


def test_a_side_beyond_the_limit(native):
    with pytest.raises(InputError, match="expected sides of 1 to 1048576 pixels, got 1048577x1"):
        native(specification("bilinear", "stretch"))(np.zeros((1, 2**20 + 1, 3), np.uint8))

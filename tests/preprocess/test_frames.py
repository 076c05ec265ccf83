"""Camera frames through the C++ preprocessing, against numpy in floats and Pillow's resize."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.lib.stride_tricks import as_strided

from hvit_edge.errors import InputError
from hvit_edge.preprocess import Preprocess, load_image
from hvit_edge.runtime.binding import cpp
from hvit_edge.weights import bundled_photos

# The tolerance in gray levels of 255: one level of the fixed-point conversion, which the
# negative lobes of a bicubic filter may carry over a second rounding.
LEVELS = 2

FORMATS = ("nv12", "nv21", "i420", "i420 in pairs", "rgba8888", "bgra8888", "rgb888", "gray8")
ROTATIONS = (0, 90, 180, 270)
MEANINGS = tuple(itertools.product(("bt601", "bt709"), ("full", "video")))
SIZES = [  # height, width as stored
    (1, 1),
    (1, 2),
    (3, 1),
    (36, 36),  # no pass at all
    (35, 37),
    (48, 64),
    (47, 63),
    (240, 320),
    (333, 77),  # rows first
    (77, 333),
    (480, 641),
]
KR_KB = {"bt601": (0.299, 0.114), "bt709": (0.2126, 0.0722)}


def specification(resize: str = "shortest", filter_: str = "bicubic") -> Preprocess:
    return Preprocess((32, 24), resize, 36 if resize == "shortest" else 0, filter_)


def padded(plane: np.ndarray, padding: int) -> np.ndarray:
    """Return the same pixels, with padding bytes after each row."""
    height, width, *rest = plane.shape
    wide = np.full((height, width + padding, *rest), 0xEE, np.uint8)
    wide[:, :width] = plane
    return wide[:, :width]


def luma_and_chroma(height: int, width: int, seed: int) -> list[np.ndarray]:
    """Return Y of every pixel, U and V of every 2x2; from a photo, or noise if `seed` is odd."""
    rng = np.random.default_rng(seed)
    shapes = [(height, width), *[((height + 1) // 2, (width + 1) // 2)] * 2]
    if seed % 2:
        return [rng.integers(0, 256, shape, np.uint8) for shape in shapes]
    photo = load_image(bundled_photos()[seed // 2 % 4])
    tiled = [np.resize(photo[:, :, c], (512, 1024)) for c in (1, 2, 0)]
    return [plane[:h, :w] for plane, (h, w) in zip(tiled, shapes, strict=True)]


def stored(format_: str, y: np.ndarray, u: np.ndarray, v: np.ndarray, padding: int) -> list:
    """Return the planes of a frame in the layout of a camera."""
    pairs = np.stack([u, v], 2)
    if format_ == "nv12":
        planes = [y, pairs]
    elif format_ == "nv21":
        planes = [y, pairs[:, :, ::-1]]
    elif format_ == "i420 in pairs":
        both = padded(pairs, padding)
        return [padded(y, padding), both[:, :, 0], both[:, :, 1]]
    elif format_ == "i420":
        planes = [y, u, v]
    elif format_ == "gray8":
        planes = [y]
    else:
        alpha = [np.full_like(y, 77)] if format_ != "rgb888" else []
        order = (2, 1, 0) if format_ == "bgra8888" else (0, 1, 2)
        rgb = (y, np.resize(u, y.shape), np.resize(v, y.shape))
        planes = [np.stack([*(rgb[c] for c in order), *alpha], 2)]
    return [padded(plane, padding) for plane in planes]


def frame(format_: str, planes: list, rotation=0, mirror=False, matrix="bt601", range_="full"):
    return cpp.Frame(
        getattr(cpp.PixelFormat, format_.split()[0]),
        planes,
        rotation,
        mirror,
        getattr(cpp.YuvMatrix, matrix),
        getattr(cpp.YuvRange, range_),
    )


def expected_rgb(format_: str, y, u, v, matrix: str, range_: str) -> np.ndarray:
    """Return the frame as stored: the formula in float64, with replicated chroma, rounded."""
    if format_ == "gray8":
        return np.stack([y] * 3, 2)
    if format_[0] != "n" and format_[0] != "i":
        return np.stack([y, np.resize(u, y.shape), np.resize(v, y.shape)], 2)
    height, width = y.shape
    cb, cr = (
        plane.repeat(2, 0).repeat(2, 1)[:height, :width].astype(float) - 128 for plane in (u, v)
    )
    light = y.astype(float)
    if range_ == "video":
        light, cb, cr = (light - 16) * 255 / 219, cb * 255 / 224, cr * 255 / 224
    kr, kb = KR_KB[matrix]
    red, blue = light + 2 * (1 - kr) * cr, light + 2 * (1 - kb) * cb
    green = (light - kr * red - kb * blue) / (1 - kr - kb)
    return np.clip(np.rint(np.stack([red, green, blue], 2)), 0, 255).astype(np.uint8)


def upright(pixels: np.ndarray, rotation: int, mirror: bool) -> np.ndarray:
    turned = np.rot90(pixels, -(rotation // 90))
    return np.ascontiguousarray(turned[:, ::-1] if mirror else turned)


@pytest.mark.parametrize("format_", FORMATS)
def test_frames_are_as_numpy_and_pillow_make_them(native, format_, record_property):
    largest, total, count = 0, 0, 0
    processors = {r: native(specification(r)) for r in ("shortest", "stretch")}
    meanings = MEANINGS if format_[0] in "ni" else MEANINGS[:1]
    for seed, (size, meaning) in enumerate(itertools.product(SIZES, meanings)):
        y, u, v = luma_and_chroma(*size, seed)
        planes = stored(format_, y, u, v, padding=seed % 4)
        pixels = expected_rgb(format_, y, u, v, *meaning)
        for rotation, mirror, resize in itertools.product(ROTATIONS, (False, True), processors):
            spec = specification(resize)
            expected = spec.resize_and_crop(upright(pixels, rotation, mirror))
            actual = processors[resize].resize_and_crop(
                frame(format_, planes, rotation, mirror, *meaning)
            )
            difference = np.abs(actual.astype(int) - expected)
            largest, total = max(largest, difference.max()), total + difference.mean()
            count += 1
    record_property(
        "measured",
        f"frames, {format_}: {count} of {len(SIZES)} sizes x {len(ROTATIONS)} rotations x mirror x"
        f" resize x {len(meanings)} meanings of YUV, from numpy and Pillow: largest difference"
        f" {largest}, mean {total / count:.4f} grey levels",
    )
    assert largest <= (LEVELS if format_[0] in "ni" else 0)


def test_a_full_hd_frame(native, record_property):
    y, u, v = (np.random.default_rng(0).integers(0, 256, s, np.uint8) for s in
               ((1080, 1920), (540, 960), (540, 960)))  # fmt: skip
    spec = Preprocess((256, 256), "shortest", 284)
    expected = spec.resize_and_crop(upright(expected_rgb("nv21", y, u, v, *MEANINGS[0]), 90, True))
    seen = frame("nv21", stored("nv21", y, u, v, 64), 90, True)
    difference = np.abs(native(spec).resize_and_crop(seen).astype(int) - expected).max()
    record_property("measured", f"frames, 1920x1080 nv21: largest difference {difference}")
    assert difference <= LEVELS
    np.testing.assert_array_equal(
        native(spec)(seen), spec.normalise(native(spec).resize_and_crop(seen))
    )


@settings(
    deadline=None, max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    size=st.tuples(st.integers(1, 150), st.integers(1, 150)),
    input_size=st.tuples(st.integers(1, 80), st.integers(1, 80)),
    margin=st.integers(0, 40),
    format_=st.sampled_from(FORMATS),
    rotation=st.sampled_from(ROTATIONS),
    mirror=st.booleans(),
    resize=st.sampled_from(["shortest", "stretch"]),
    filter_=st.sampled_from(["bilinear", "bicubic"]),
    meaning=st.sampled_from(MEANINGS),
    padding=st.integers(0, 40),
    seed=st.integers(0, 100),
)
def test_every_instruction_set_gives_the_scalar_bytes(
    native, size, input_size, margin, format_, rotation, mirror, resize, filter_, meaning, padding,
    seed,
):  # fmt: skip
    spec = Preprocess(
        input_size, resize, max(input_size) + margin if resize == "shortest" else 0, filter_
    )
    planes = stored(format_, *luma_and_chroma(*size, seed), padding)
    seen = frame(format_, planes, rotation, mirror, *meaning)
    *vectors, scalar = cpp.instruction_sets()
    assert scalar == "scalar"
    expected = native(spec, scalar).resize_and_crop(seen)
    for name in vectors:
        np.testing.assert_array_equal(native(spec, name).resize_and_crop(seen), expected, name)


@pytest.mark.parametrize("format_", ["nv21", "i420", "gray8"])
@pytest.mark.parametrize("size", [(16384, 16384), (16384, 2), (1, 16384)])
def test_frames_of_16384_pixels(native, format_, size):
    # Zeros that the system allocates lazily take no memory.
    planes = [np.zeros(size, np.uint8)]
    half = tuple((side + 1) // 2 for side in size)
    if format_ == "nv21":
        planes.append(np.zeros((*half, 2), np.uint8))
    if format_ == "i420":
        planes += [np.zeros(half, np.uint8)] * 2
    pixels = native(specification("stretch", "bilinear")).resize_and_crop(frame(format_, planes))
    green = {"gray8": 0}.get(format_, 135)  # U = V = 0
    assert {tuple(p) for p in pixels.reshape(-1, 3)} == {(0, green, 0)}


def test_an_unknown_rotation(native):
    seen = frame("gray8", [np.zeros((4, 4), np.uint8)], rotation=45)
    with pytest.raises(InputError, match="expected a rotation of 0, 90, 180 or 270 degrees, got 4"):
        native(specification())(seen)


@pytest.mark.parametrize("format_", FORMATS)
@pytest.mark.parametrize("size", [(0, 0), (0, 4), (4, 0)])
def test_frames_without_pixels(native, format_, size):
    chroma = tuple((side + 1) // 2 for side in size)
    planes = [np.zeros(s, np.uint8) for s in (size, chroma, chroma)]
    channels = {"rgb888": 3, "rgba8888": 4, "bgra8888": 4}.get(format_)
    packed = [np.zeros((*size, channels or 1), np.uint8)]
    planes = packed if channels else stored(format_, *planes, 0)
    with pytest.raises(InputError, match=r"\[ImageView\] expected (pixels, got a null|sides of 1)"):
        native(specification())(frame(format_, planes))


def test_strides_shorter_than_a_row(native):
    y, pairs = np.zeros((8, 8), np.uint8), np.zeros((4, 4, 2), np.uint8)
    short = as_strided(y, (8, 8), (7, 1))
    with pytest.raises(InputError, match=r"expected row_stride_bytes of at least 8 .*, got 7"):
        native(specification())(frame("nv12", [short, pairs]))
    short = as_strided(pairs, (4, 4, 2), (7, 2, 1))
    with pytest.raises(InputError, match=r"chroma\[0\].row_stride_bytes of at least 8 .*, got 7"):
        native(specification())(frame("nv12", [y, short]))


@pytest.mark.parametrize(
    ("format_", "planes"),
    [
        ("nv12", []),
        ("nv12", [np.zeros((8, 8), np.uint8)]),
        ("nv12", [np.zeros((8, 8), np.uint8), np.zeros((4, 4), np.uint8)]),
        ("nv12", [np.zeros((8, 9), np.uint8), np.zeros((4, 4, 2), np.uint8)]),
        ("nv12", [np.zeros((8, 8), np.float32), np.zeros((4, 4, 2), np.uint8)]),
        ("nv12", [np.zeros((8, 8), np.uint8)[::-1], np.zeros((4, 4, 2), np.uint8)]),
        ("nv12", [np.zeros((8, 8), np.uint8), np.zeros((4, 4, 4), np.uint8)[:, :, ::2]]),
        ("i420", [np.zeros((8, 16), np.uint8)[:, ::2], *[np.zeros((4, 4), np.uint8)] * 2]),
        ("i420", [np.zeros((8, 8), np.uint8), *[np.zeros((4, 0), np.uint8)] * 2]),
        ("rgba8888", [np.zeros((8, 8, 3), np.uint8)]),
        ("gray8", [np.zeros(8, np.uint8)]),
    ],
)
def test_arrays_that_are_no_planes_of_the_format(format_, planes):
    with pytest.raises(InputError, match=r"\[Frame\] expected uint8 planes"):
        frame(format_, planes)

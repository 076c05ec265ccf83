"""load_image: any readable file becomes upright 8-bit RGB."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from hvit_edge.errors import InputError
from hvit_edge.preprocess import load_image

ORIENTATION = 0x0112


@pytest.fixture
def colours() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (6, 9, 3), dtype=np.uint8)


def save(path, image: Image.Image, **options):
    image.save(path, **options)
    return path


def test_rgb(tmp_path, colours):
    image = load_image(save(tmp_path / "a.png", Image.fromarray(colours)))
    assert image.dtype == np.uint8
    assert image.flags.c_contiguous
    np.testing.assert_array_equal(image, colours)


def test_path_as_text(tmp_path, colours):
    path = save(tmp_path / "a.png", Image.fromarray(colours))
    np.testing.assert_array_equal(load_image(str(path)), colours)


def test_one_pixel(tmp_path):
    path = save(tmp_path / "a.png", Image.new("RGB", (1, 1), (1, 2, 3)))
    np.testing.assert_array_equal(load_image(path), [[[1, 2, 3]]])


def test_grey_is_repeated(tmp_path, colours):
    grey = colours[:, :, 0]
    image = load_image(save(tmp_path / "a.png", Image.fromarray(grey)))
    np.testing.assert_array_equal(image, np.repeat(grey[..., None], 3, 2))


def test_palette(tmp_path):
    picture = Image.new("P", (2, 1))
    picture.putpalette([10, 20, 30, 200, 100, 50])
    picture.putdata([0, 1])
    image = load_image(save(tmp_path / "a.png", picture))
    np.testing.assert_array_equal(image, [[[10, 20, 30], [200, 100, 50]]])


def test_cmyk(tmp_path):
    path = save(tmp_path / "a.jpg", Image.new("CMYK", (8, 8), (0, 255, 255, 0)), quality=100)
    image = load_image(path)
    assert image.shape == (8, 8, 3)
    assert image[..., 0].min() > 240  # magenta and yellow ink make red; JPEG loses a little
    assert image[..., 1:].max() < 15


def test_alpha_is_dropped_not_blended(tmp_path, colours):
    alpha = np.full((6, 9, 1), 7, np.uint8)
    path = save(tmp_path / "a.png", Image.fromarray(np.concatenate([colours, alpha], 2)))
    np.testing.assert_array_equal(load_image(path), colours)


def test_sixteen_bits_keep_the_upper_eight(tmp_path):
    deep = np.array([[0, 255, 256, 65535]], np.uint16)
    image = load_image(save(tmp_path / "a.png", Image.fromarray(deep)))
    np.testing.assert_array_equal(image[0, :, 0], [0, 0, 1, 255])


@pytest.mark.parametrize(("orientation", "turns"), [(1, 0), (6, -1), (3, 2), (8, 1)])
def test_exif_rotation(tmp_path, colours, orientation, turns):
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    path = save(tmp_path / "a.png", Image.fromarray(colours), exif=exif)
    np.testing.assert_array_equal(load_image(path), np.rot90(colours, turns))


def test_missing_file(tmp_path):
    with pytest.raises(InputError, match=r"\[load_image\] .* got no such file: .*none.png"):
        load_image(tmp_path / "none.png")


@pytest.mark.parametrize("content", [b"", b"not an image", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"])
def test_unreadable_files(tmp_path, content):
    path = tmp_path / "broken.png"
    path.write_bytes(content)
    with pytest.raises(InputError, match="expected an image that Pillow reads, got .*broken.png"):
        load_image(path)


def test_truncated_photo(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    path = save(tmp_path / "a.png", Image.fromarray(noise))
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(InputError, match="expected an image that Pillow reads"):
        load_image(path)


def test_directory(tmp_path):
    with pytest.raises(InputError, match="an image file, got a folder: .*; name the files in it"):
        load_image(tmp_path)


def test_decompression_bomb(tmp_path, monkeypatch, colours):
    path = save(tmp_path / "a.png", Image.fromarray(colours))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    with pytest.raises(InputError, match="expected a smaller image"):
        load_image(path)

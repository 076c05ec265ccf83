"""Conversion of any depth to 8 bits: by the declared range, the measured one, or an error."""

import struct

import numpy as np
import pytest
from PIL import Image, ImageCms

from hvit_edge.errors import InputError
from hvit_edge.images.load_image import load_image


def saved(path, values, **options):
    Image.fromarray(values).save(path, **options)
    return path


def write_tiff(path, values, *, sample_format=1, photometric=1, bits=None, order="<", data=None):
    """An uncompressed TIFF written by hand: Pillow writes no signed or white-is-zero ones."""
    values = np.ascontiguousarray(values, np.dtype(values.dtype).newbyteorder(order))
    height, width = values.shape[:2]
    channels = values.shape[2] if values.ndim == 3 else 1
    data = values.tobytes() if data is None else data
    bits = bits or values.dtype.itemsize * 8
    counts = b"".join(struct.pack(order + "H", n) for n in (bits, sample_format) for _ in range(4))
    count, at = 10, 8 + 2 + 12 * 10 + 4

    def entry(tag, kind, number, value):
        packed = struct.pack(order + ("H" if kind == 3 else "I"), value).ljust(4, b"\0")
        return struct.pack(order + "HHI", tag, kind, number) + packed

    def each(tag, value, offset):
        return (
            entry(tag, 3, 1, value)
            if channels == 1
            else (struct.pack(order + "HHII", tag, 3, channels, at + offset))
        )

    table = [
        entry(256, 4, 1, width),
        entry(257, 4, 1, height),
        each(258, bits, 0),
        entry(259, 3, 1, 1),
        entry(262, 3, 1, photometric),
        entry(273, 4, 1, at + len(counts)),
        entry(277, 3, 1, channels),
        entry(278, 4, 1, height),
        entry(279, 4, 1, len(data)),
        each(339, sample_format, 8),
    ]
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "IH", 8, count)
    path.write_bytes(head + b"".join(table) + bytes(4) + counts + data)
    return path


def first_channel(path):
    pixels = load_image(path)
    assert pixels.dtype == np.uint8 and (pixels == pixels[..., :1]).all()
    return pixels[..., 0].tolist()


SIXTEEN = np.array([[0, 255, 256, 65535]], np.uint16)


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_sixteen_bits_keep_the_upper_eight(tmp_path, suffix):
    assert first_channel(saved(tmp_path / f"a.{suffix}", SIXTEEN)) == [[0, 0, 1, 255]]


@pytest.mark.parametrize("order", "<>")
def test_sixteen_bits_in_either_byte_order(tmp_path, order):
    assert first_channel(write_tiff(tmp_path / "a.tif", SIXTEEN, order=order)) == [[0, 0, 1, 255]]


def test_white_is_zero_is_inverted(tmp_path):
    path = write_tiff(tmp_path / "a.tif", SIXTEEN, photometric=0)
    assert first_channel(path) == [[255, 255, 254, 0]]
    path = write_tiff(tmp_path / "a.tif", np.array([[0, 200]], np.uint8), photometric=0)
    assert first_channel(path) == [[255, 55]]
    path = write_tiff(
        tmp_path / "a.tif", np.array([[0, 0.2, 1]], np.float32), photometric=0, sample_format=3
    )
    assert first_channel(path) == [[255, 204, 0]]


def test_twelve_bits_keep_the_upper_eight(tmp_path):
    packed = bytes([0x00, 0x0F, 0xFF, 0x80, 0x00, 0x10])  # 0x000, 0xfff, 0x800, 0x010
    path = write_tiff(tmp_path / "a.tif", np.zeros((1, 4), np.uint16), bits=12, data=packed)
    assert first_channel(path) == [[0, 255, 128, 1]]


def test_portable_greymap_of_any_maximum(tmp_path):
    path = tmp_path / "a.pgm"
    path.write_bytes(b"P5 2 1 65535\n" + struct.pack(">HH", 65535, 512))
    assert first_channel(path) == [[255, 2]]
    path.write_bytes(b"P5 2 1 1000\n" + struct.pack(">HH", 1000, 500))
    assert first_channel(path) == [[255, 128]]


@pytest.mark.parametrize(
    ("values", "kind", "expected"),
    [
        ([0, 7, 255], np.int32, [0, 7, 255]),
        ([0, 7, 255], np.uint32, [0, 7, 255]),
        ([0, 256, 65535], np.int32, [0, 1, 255]),
        ([0, 2**24, 2**32 - 1], np.uint32, [0, 1, 255]),
        ([0, 2**24, 2**31 - 1], np.int32, [0, 2, 255]),
        ([0, 0, 0], np.int32, [0, 0, 0]),
        ([0, 256, 32767], np.int16, [0, 2, 255]),
    ],
)
def test_whole_numbers_of_tiff(tmp_path, values, kind, expected):
    signed = 2 if np.dtype(kind).kind == "i" else 1
    for order in "<" if kind is np.uint32 else "<>":  # Pillow reads no ">u4"
        path = write_tiff(
            tmp_path / "a.tif", np.array([values], kind), sample_format=signed, order=order
        )
        assert first_channel(path) == [expected]


def test_pillows_own_whole_numbers_are_not_black(tmp_path):
    image = Image.fromarray(np.array([[0, 100, 255]], np.int32))
    image.save(tmp_path / "a.tif")
    assert first_channel(tmp_path / "a.tif") == [[0, 100, 255]]


@pytest.mark.parametrize(
    ("values", "kind", "message"),
    [
        ([-1, 255], np.int32, "expected whole numbers from 0, got -1"),
        ([-5, 255], np.int16, "expected whole numbers from 0, got -5"),
        ([0, 100_000], np.int32, "that use 31 bits, got none above 100000: the photo would be"),
        ([0, 255], np.uint16, "that use 16 bits, got none above 255: the photo would be black"),
        ([0, 4095], np.uint16, "that use 16 bits, got none above 4095"),
        ([0, 4095], np.int16, "that use 15 bits, got none above 4095"),
        ([0, 4095], np.int32, "that use 16 bits, got none above 4095"),
    ],
)
def test_whole_numbers_without_a_range_are_refused(tmp_path, values, kind, message):
    signed = 2 if np.dtype(kind).kind == "i" else 1
    path = write_tiff(tmp_path / "a.tif", np.array([values], kind), sample_format=signed)
    with pytest.raises(InputError, match=rf"\[load_image\] .*a.tif: .*{message}"):
        load_image(path)


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_eight_bits_saved_as_sixteen_are_refused(tmp_path, suffix):
    with pytest.raises(InputError, match="got none above 200: the photo would be black; scale t"):
        load_image(saved(tmp_path / f"a.{suffix}", np.array([[0, 200]], np.uint16)))


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0, 0.5, 1], [0, 128, 255]),
        ([0.2, 0.4, 0.6], [51, 102, 153]),
        ([0, 99.6, 255], [0, 100, 255]),
        ([0, 2, 3], [0, 2, 3]),
        ([0, 0, 0], [0, 0, 0]),
        ([-1e-7, 0.5, 1 + 1e-7], [0, 128, 255]),
    ],
)
def test_floating_point_by_its_measured_range(tmp_path, values, expected):
    assert first_channel(saved(tmp_path / "a.tif", np.array([values], np.float32))) == [expected]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (np.nan, "finite numbers, got NaN or infinity"),
        (np.inf, "finite numbers, got NaN or infinity"),
        (-np.inf, "finite numbers, got NaN or infinity"),
        (-0.5, "from 0 to 1 or from 0 to 255, got -0.5 to 1"),
        (1.5, "got 0 to 1.5; scale them"),
        (256, "got 0 to 256; scale them"),
    ],
)
def test_floating_point_without_a_range_is_refused(tmp_path, value, message):
    path = saved(tmp_path / "a.tif", np.array([[0, 1, value]], np.float32))
    with pytest.raises(InputError, match=f"a.tif: expected .*{message}"):
        load_image(path)


def test_colour_of_sixteen_bits(tmp_path):
    colours = np.array([[[0, 256, 65535], [513, 40000, 255]]], np.uint16)
    expected = (colours >> 8).tolist()
    for order in "<>":
        path = write_tiff(tmp_path / "a.tif", colours, photometric=2, order=order)
        assert load_image(path).tolist() == expected
    for darker in (colours // 300, colours // 17):
        with pytest.raises(
            InputError, match="that use 16 bits, got none above .*: the photo would"
        ):
            load_image(write_tiff(tmp_path / "a.tif", darker, photometric=2))


MODES = ["1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr", "LAB", "RGBa", "La", "RGBX"]


@pytest.fixture
def colours():
    ramp = np.arange(8 * 8 * 3, dtype=np.uint8).reshape(8, 8, 3)
    return Image.fromarray(ramp)


def convert(image, mode):
    if mode == "LAB":
        lab = ImageCms.createProfile("LAB")
        return ImageCms.profileToProfile(
            image, ImageCms.createProfile("sRGB"), lab, outputMode=mode
        )
    if mode in ("RGBa", "La"):
        return image.convert(mode.upper()).convert(mode)
    return image.convert(mode)


@pytest.mark.parametrize("mode", MODES)
def test_every_mode_as_pillow_converts_it(mode, colours):
    from hvit_edge.images.load_image import rgb_of

    image = convert(colours, mode)
    plain = image.convert({"RGBa": "RGBA", "La": "LA"}.get(mode, mode)).convert("RGB")
    np.testing.assert_array_equal(rgb_of(image), np.asarray(plain))


@pytest.mark.parametrize(
    ("mode", "suffix"),
    [
        ("1", "tif"),
        ("1", "png"),
        ("L", "jpg"),
        ("LA", "png"),
        ("PA", "tif"),
        ("CMYK", "jpg"),
        ("CMYK", "tif"),
        ("YCbCr", "jpg"),
        ("YCbCr", "tif"),
        ("LAB", "tif"),
        ("RGBA", "webp"),
        ("RGBX", "tif"),
        ("P", "gif"),
        ("P", "bmp"),
    ],
)
def test_files_of_every_mode(tmp_path, mode, suffix, colours):
    path = tmp_path / f"a.{suffix}"
    convert(colours, mode).save(path)
    with Image.open(path) as image:
        expected = np.asarray(image.convert("RGB"))
    np.testing.assert_array_equal(load_image(path), expected)


@pytest.mark.parametrize("transparency", [0, b"\x00\x80\xff", b""])
def test_a_palette_with_transparency_keeps_its_colours(tmp_path, transparency):
    picture = Image.new("P", (3, 1))
    picture.putpalette([10, 20, 30, 200, 100, 50, 1, 2, 3])
    picture.putdata([0, 1, 2])
    picture.save(tmp_path / "a.png", transparency=transparency)
    expected = [[[10, 20, 30], [200, 100, 50], [1, 2, 3]]]
    assert load_image(tmp_path / "a.png").tolist() == expected

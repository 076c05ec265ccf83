"""The orientation is read for any type, even if other metadata is damaged."""

import struct

import numpy as np
import pytest
from PIL import Image, ImageOps

from hvit_edge.images.load_image import load_image
from hvit_edge.images.orientation import orientation_in, turn

PIXELS = np.random.default_rng(0).integers(0, 256, (4, 6, 3), dtype=np.uint8)
ORIENTATION = 0x0112


def exif_of(*entries, order="<", tail=b""):
    """EXIF written by hand: (tag, type, count, four bytes of value or offset)."""
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", 8)
    table = b"".join(struct.pack(order + "HHI", t, k, n) + value for t, k, n, value in entries)
    return head + struct.pack(order + "H", len(entries)) + table + tail


def short(value, order="<"):
    return struct.pack(order + "HH", value, 0)


def with_exif(path, exif, kind="PNG"):
    """Return `PIXELS` as a file with these bytes as EXIF, which `Image.save` does not check."""
    exif = b"Exif\0\0" + exif if kind == "JPEG" else exif
    Image.fromarray(PIXELS).save(path, kind, exif=exif, **({} if kind == "PNG" else LOSSLESS[kind]))
    return path


LOSSLESS = {"JPEG": {"quality": 100, "subsampling": 0}, "WEBP": {"lossless": True}}


@pytest.mark.parametrize("orientation", range(1, 9))
def test_turn_is_exif_transpose(orientation):
    image = Image.fromarray(PIXELS)
    image.getexif()[ORIENTATION] = orientation
    expected = np.asarray(ImageOps.exif_transpose(image))
    found = turn(PIXELS, orientation)
    np.testing.assert_array_equal(found, expected)
    assert found.flags.c_contiguous


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize(
    ("kind", "count", "value"),
    [
        (3, 1, "H"),
        (4, 1, "I"),
        (1, 1, "B"),
        (6, 1, "b"),
        (8, 1, "h"),
        (9, 1, "i"),
        (13, 1, "I"),
        (11, 1, "f"),
        (7, 1, "B"),
        (3, 0, "H"),
        (99, 1, "H"),
    ],
)
def test_any_type_of_orientation(order, kind, count, value):
    packed = struct.pack(order + value, 6).ljust(4, b"\0")
    assert orientation_in(exif_of((ORIENTATION, kind, count, packed), order=order)) == 6


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize(
    ("kind", "count", "values"),
    [
        (2, 2, b"6\0\0\0"),
        (7, 1, b"6\0\0\0"),
        (3, 2, [6, 0]),
        (3, 2, [0, 6]),
        (3, 2, [6, 6]),
    ],
)
def test_text_and_several_values(order, kind, count, values):
    packed = values if isinstance(values, bytes) else struct.pack(order + "HH", *values)
    assert orientation_in(exif_of((ORIENTATION, kind, count, packed), order=order)) == 6


@pytest.mark.parametrize(("kind", "packed"), [(5, (18, 3)), (10, (6, 1)), (5, (6, 0))])
def test_a_fraction_that_lies_elsewhere(kind, packed):
    at = struct.pack("<I", 22)
    exif = exif_of((ORIENTATION, kind, 1, at), tail=struct.pack("<II", *packed))
    assert orientation_in(exif) == (6 if packed[1] else 1)


@pytest.mark.parametrize("value", [0, 9, 255, 65535])
def test_an_impossible_orientation_is_upright(tmp_path, value):
    exif = exif_of((ORIENTATION, 3, 1, short(value)))
    assert orientation_in(exif) == 1
    np.testing.assert_array_equal(load_image(with_exif(tmp_path / "a.png", exif)), PIXELS)


@pytest.mark.parametrize(
    "exif",
    [
        b"",
        b"II",
        b"XX*\0" + bytes(30),
        exif_of((ORIENTATION, 3, 1, short(6)))[:19],
        exif_of((ORIENTATION, 4, 2, struct.pack("<I", 4000))),
        exif_of((ORIENTATION, 3, 2, short(6)[:2] + short(8)[:2])),
        b"II*\0\xff\xff\xff\xff" + bytes(30),
    ],
)
def test_no_orientation_in_damaged_exif(exif):
    assert orientation_in(exif) == 1


def test_exif_cut_off_after_the_orientation():
    whole = exif_of((ORIENTATION, 3, 1, short(6)), (0x0128, 3, 1, short(2)))
    assert orientation_in(b"Exif\0\0" * 2 + whole[:22]) == 6


@pytest.mark.parametrize(
    ("xmp", "orientation"),
    [
        (b'<rdf:Description tiff:Orientation="8"/>', 8),
        (b"<rdf:Description tiff:Orientation = '3'/>", 3),
        (b"<tiff:Orientation> 6 </tiff:Orientation>", 6),
        ('<a tiff:Orientation="5"/>'.encode("utf-16"), 5),
        ('<a tiff:Orientation="5"/>', 5),
        (b'<a tiff:Orientation="9"/>', 1),
        (b'<a tiff:Orientation="66"/>', 1),
        (b"\xff\xfe\x00", 1),
    ],
)
def test_xmp(xmp, orientation):
    assert orientation_in(b"", xmp) == orientation


def test_exif_comes_before_xmp():
    xmp = b'<a tiff:Orientation="8"/>'
    assert orientation_in(exif_of((ORIENTATION, 3, 1, short(6))), xmp) == 6
    assert orientation_in(exif_of((ORIENTATION, 3, 1, short(0))), xmp) == 8


# Tags that Pillow reads but cannot write, so ImageOps.exif_transpose fails.
FOREIGN_TYPES = {
    "resolution unit as a fraction": (0x0128, 5, 1, struct.pack("<II", 2, 1)),
    "description as a fraction": (0x010E, 5, 1, struct.pack("<II", 1, 2)),
    "resolution as text": (0x011A, 2, 7, b"72 dpi\0"),
    "date as bytes": (0x0132, 7, 4, b"2026"),
    "maker as numbers": (0x010F, 4, 1, struct.pack("<I", 70000)),
    "position of subdirectory outside": (0x8769, 4, 1, struct.pack("<I", 2**31)),
    "position of subdirectory as text": (0x8825, 2, 4, b"gps\0"),
}


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
@pytest.mark.parametrize("name", FOREIGN_TYPES)
def test_a_tag_of_another_type_leaves_the_orientation(tmp_path, kind, name):
    tag, type_, count, payload = FOREIGN_TYPES[name]
    value = payload if len(payload) <= 4 else struct.pack("<I", 38)  # after both entries
    entries = sorted([(ORIENTATION, 3, 1, short(6)), (tag, type_, count, value)])
    path = with_exif(tmp_path / "a", exif_of(*entries, tail=bytes(4) + payload), kind)
    with Image.open(path) as image:
        stored = np.asarray(image.convert("RGB"))
    np.testing.assert_array_equal(load_image(path), np.rot90(stored, -1))


@pytest.mark.parametrize("compression", [None, "tiff_lzw", "jpeg"])
@pytest.mark.parametrize("orientation", [1, 6, 3, 7])
def test_tiff_is_turned_once(tmp_path, compression, orientation):
    path = tmp_path / "a.tif"
    plain = tmp_path / "plain.tif"
    tags = {ORIENTATION: orientation}
    Image.fromarray(PIXELS).save(path, tiffinfo=tags, compression=compression)
    Image.fromarray(PIXELS).save(plain, compression=compression)
    np.testing.assert_array_equal(load_image(path), turn(load_image(plain), orientation))


def test_tiff_with_a_tag_of_another_type(tmp_path):
    path = tmp_path / "a.tif"
    tags = {ORIENTATION: 6, 0x0131: "software name"}
    Image.fromarray(PIXELS).save(path, tiffinfo=tags)
    data = bytearray(path.read_bytes())
    entry = data.index(struct.pack("<HH", 0x0131, 2))
    data[entry + 2 : entry + 8] = struct.pack("<HI", 5, 1)  # a fraction of its letters
    path.write_bytes(data)
    np.testing.assert_array_equal(load_image(path), np.rot90(PIXELS, -1))


def test_png_of_imagemagick_has_its_exif_in_hexadecimal(tmp_path):
    from PIL.PngImagePlugin import PngInfo

    exif = b"Exif\0\0" + exif_of((ORIENTATION, 3, 1, short(6)), tail=bytes(4))
    for digits in (exif.hex(), exif.hex() + "zz"):
        info = PngInfo()
        info.add_text("Raw profile type exif", f"\nexif\n{len(exif):8}\n{digits}\n", zip=True)
        Image.fromarray(PIXELS).save(tmp_path / "a.png", pnginfo=info)
        np.testing.assert_array_equal(load_image(tmp_path / "a.png"), np.rot90(PIXELS, -1))


def test_images_of_pillow_are_turned_as_it_says(tmp_path):
    from hvit_edge.runtime import as_pixels

    path = with_exif(tmp_path / "a.png", exif_of((ORIENTATION, 3, 1, short(6)), tail=bytes(4)))
    with Image.open(path) as image:
        np.testing.assert_array_equal(as_pixels(image), np.rot90(PIXELS, -1))
        upright = ImageOps.exif_transpose(image)
        np.testing.assert_array_equal(as_pixels(upright), np.rot90(PIXELS, -1))
    tiff = tmp_path / "a.tif"
    Image.fromarray(PIXELS).save(tiff, tiffinfo={ORIENTATION: 6})
    with Image.open(tiff) as image:
        np.testing.assert_array_equal(as_pixels(image), np.rot90(PIXELS, -1))


def test_an_image_of_pillow_with_a_tag_of_another_type(tmp_path):
    from hvit_edge.runtime import as_pixels

    tag, type_, count, payload = FOREIGN_TYPES["resolution as text"]
    entries = [(ORIENTATION, 3, 1, short(6)), (tag, type_, count, struct.pack("<I", 38))]
    with Image.open(with_exif(tmp_path / "a.png", exif_of(*entries, tail=bytes(4) + payload))) as i:
        np.testing.assert_array_equal(as_pixels(i), np.rot90(PIXELS, -1))

"""Damaged photos give the right pixels, or one error that names the file."""

import io
import os
import struct
import threading
import warnings
import zlib

import numpy as np
import pytest
from PIL import Image, PngImagePlugin, features

from hvit_edge.errors import InputError
from hvit_edge.images.bare_image import without_metadata
from hvit_edge.images.load_image import decode_image, load_image, rgb_of

ORIENTATION = 0x0112
ROWS, COLUMNS = 9, 14
PIXELS = np.add.outer(np.arange(ROWS) * 9, np.arange(COLUMNS * 3) * 3).reshape(ROWS, COLUMNS, 3)
PHOTO = Image.fromarray(PIXELS.astype(np.uint8))


def encoded(kind, image=PHOTO, **options):
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def turned():
    """EXIF that asks for a quarter turn and holds what cameras write."""
    exif = Image.Exif()
    exif.update({ORIENTATION: 6, 0x010F: "maker", 0x0128: 2, 0x011A: 72.0, 0x0132: "2026:01:01"})
    exif.get_ifd(0x8769)[0x9003] = "2026:01:01 00:00:00"
    return exif


XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description tiff:Orientation="6"/></x:xmpmeta>'


def samples():
    """Return a small file of every format, with all metadata that the format supports."""
    text = PngImagePlugin.PngInfo()
    text.add_text("a", "b" * 50, zip=True)
    text.add_itxt("c", "d" * 20, zip=True)
    second = PHOTO.rotate(180)
    several = {"save_all": True, "append_images": [second]}
    rich = {"exif": turned(), "icc_profile": bytes(range(200))}
    return {
        "JPEG": encoded("JPEG", **rich, xmp=XMP, dpi=(72, 72), comment=b"hi"),
        "PNG": encoded("PNG", **rich, pnginfo=text, dpi=(72, 72)),
        "WebP": encoded("WEBP", **rich, xmp=XMP, lossless=True, **several),
        "TIFF": encoded("TIFF", exif=turned(), **several),
        "GIF": encoded("GIF", comment=b"hey", duration=50, **several),
        "BMP": encoded("BMP"),
        "JPEG 2000": encoded("JPEG2000"),
        "MPO": encoded("MPO", exif=turned(), **several),
    }


def mutated(data, rng):
    """One of six kinds of damage."""
    data = bytearray(data)
    kind, at = rng.integers(6), int(rng.integers(len(data)))
    if kind == 0:
        del data[at:]
    elif kind == 1:
        del data[at : at + int(rng.integers(1, 9))]
    elif kind == 2:
        data[at:at] = rng.bytes(int(rng.integers(1, 9)))
    elif kind == 3:
        data[at : at + 4] = (b"\0\0\0\0", b"\xff" * 4, b"\x7f\xff\xff\xff")[rng.integers(3)]
    else:
        for position in rng.integers(len(data), size=rng.integers(1, 6)):
            data[position] = rng.integers(256)
    return bytes(data)


MUTATIONS = 2000


@pytest.mark.parametrize("name", samples())
def test_damaged_photos_are_read_or_refused_and_nothing_else(name, monkeypatch):
    """`MUTATIONS` altered files raise no other exception and no warning."""
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 2**16)  # else sizes are made of the damage
    data = samples()[name]
    rng = np.random.default_rng(0)
    read = refused = 0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(MUTATIONS):
            try:
                pixels = decode_image(io.BytesIO(mutated(data, rng)), "photo.x")
            except InputError as error:
                assert "photo.x" in str(error) and "\n" not in str(error)
                refused += 1
            else:
                assert pixels.dtype == np.uint8 and pixels.shape[2:] == (3,)
                read += 1
    assert read > MUTATIONS // 20 and refused > MUTATIONS // 20


def segments_of(jpeg):
    """Positions of the contents of a JPEG's application segments and comments."""
    at, found = 2, []
    while jpeg[at + 1] != 0xDA:
        length = int.from_bytes(jpeg[at + 2 : at + 4], "big")
        if 0xE0 <= jpeg[at + 1] <= 0xEF or jpeg[at + 1] == 0xFE:
            found += range(at + 4, at + 2 + length)
        at += 2 + length
    return found


def chunks_of(png):
    """Positions of the contents and checksums of a PNG's chunks that hold no pixels."""
    at, found = 8, []
    while at < len(png):
        length = int.from_bytes(png[at : at + 4], "big")
        if png[at + 4 : at + 8] not in (b"IHDR", b"IDAT", b"IEND"):
            found += range(at + 8, at + 12 + length)
        at += 12 + length
    return found


@pytest.mark.parametrize(
    ("name", "positions"), [("JPEG", segments_of), ("MPO", segments_of), ("PNG", chunks_of)]
)
def test_damaged_metadata_leaves_the_pixels(name, positions):
    data = samples()[name]
    whole = decode_image(io.BytesIO(data), name)
    assert whole.shape == (COLUMNS, ROWS, 3)
    ways = [np.ascontiguousarray(np.rot90(whole, k)).tobytes() for k in range(4)]
    ways += [np.ascontiguousarray(np.rot90(whole[::-1], k)).tobytes() for k in range(4)]
    upright, at = 0, positions(data)
    for index in at:
        damaged = data[:index] + bytes([data[index] ^ 0xFF]) + data[index + 1 :]
        found = decode_image(io.BytesIO(damaged), name).tobytes()
        assert found in ways, "the orientation may be lost, and nothing else"
        upright += found == ways[0]
    assert upright > 0.8 * len(at)


def chunk(kind, content, checksum=None):
    checksum = zlib.crc32(kind + content) if checksum is None else checksum
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)


@pytest.mark.parametrize(
    "extra",
    [
        chunk(b"iCCP", b"name"),
        chunk(b"iCCP", b"name\0\1xxxx"),
        chunk(b"iCCP", b"name\0\0not packed"),
        chunk(b"zTXt", b"key\0\0not packed"),
        chunk(b"zTXt", b"key\0\7"),
        chunk(b"zTXt", b"key\0\0" + zlib.compress(bytes(2**21))),
        chunk(b"iTXt", b"key\0\1\1"),
        chunk(b"tEXt", b"key", checksum=0),
        chunk(b"pHYs", b"\0"),
        chunk(b"gAMA", b""),
        chunk(b"cHRM", b"\0" * 5),
        chunk(b"sRGB", b""),
        chunk(b"acTL", b"\0" * 3),
        chunk(b"fcTL", b"\0" * 26),
        chunk(b"iDOT", b"apple", checksum=1),
    ],
)
def test_png_chunks_that_stop_pillow(tmp_path, extra):
    exif = turned()
    data = encoded("PNG", exif=exif)
    at = data.index(b"IDAT") - 4
    (tmp_path / "a.png").write_bytes(data[:at] + extra + data[at:])
    expected = np.asarray(PHOTO)
    np.testing.assert_array_equal(load_image(tmp_path / "a.png"), np.rot90(expected, -1))


def segment(marker, content):
    return bytes([0xFF, marker]) + struct.pack(">H", len(content) + 2) + content


@pytest.mark.parametrize(
    "extra",
    [
        segment(0xE0, b"JFIF\0"),
        segment(0xE0, b"JFXX\0"),
        segment(0xE1, b"Exif\0\0"),
        segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0\xff\xfe"),
        segment(0xE2, b"ICC_PROFILE\0"),
        segment(0xE2, b"ICC_PROFILE\0\1\0") * 2,
        segment(0xE2, b"MPF\0"),
        segment(0xE2, b"MPF\0II*\0\x08\0\0\0\0\0\0\0\0\0"),
        segment(0xE2, b"MPF\0MM\0*\0\0\0\x08\0\1\xb0\x01\0\x04\0\0\0\1\0\0\0\2"),
        segment(0xED, b"Photoshop 3.0\x008BIM\x04\x04"),
        segment(0xED, b"Photoshop 3.0\x008BIM\x03\xed\0\0\0\0\0\1x"),
        segment(0xEE, b"Adobe"),
        segment(0xFE, b""),
    ],
)
def test_jpeg_segments_that_stop_pillow(tmp_path, extra):
    data = encoded("JPEG", exif=turned(), quality=95)
    at = data.index(b"\xff\xe1")
    with Image.open(io.BytesIO(data)) as image:
        expected = np.rot90(np.asarray(image), -1)
    for where in (at, data.index(b"\xff\xdb")):
        (tmp_path / "a.jpg").write_bytes(data[:where] + extra + data[where:])
        np.testing.assert_array_equal(load_image(tmp_path / "a.jpg"), expected)


def png_of(rows, depth, colour, *extra):
    """A PNG written by hand: rows of bytes."""
    header = struct.pack(">IIBBBBB", *extra[:2], depth, colour, 0, 0, 0)
    packed = zlib.compress(b"".join(b"\0" + row for row in rows))
    parts = chunk(b"IHDR", header), *extra[2:], chunk(b"IDAT", packed), chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def test_png_of_sixteen_bits_in_colour(tmp_path):
    colours = struct.pack(">6H", 0, 256, 65535, 513, 40000, 255)
    (tmp_path / "a.png").write_bytes(png_of([colours], 16, 2, 2, 1))
    assert load_image(tmp_path / "a.png").tolist() == [[[0, 1, 255], [2, 156, 0]]]
    (tmp_path / "a.png").write_bytes(png_of([struct.pack(">6H", *[200] * 6)], 16, 2, 2, 1))
    with pytest.raises(InputError, match="that use 16 bits, got none above 255"):
        load_image(tmp_path / "a.png")


def test_a_png_with_an_unknown_critical_chunk_is_not_read_without_it(tmp_path):
    """Apple's CgBI swaps red and blue, so a reader that drops it shows wrong colors."""
    whole = png_of([b"\1\2\3"], 8, 2, 1, 1, chunk(b"CgBI", b"\x50\0\x20\6"))
    assert without_metadata(whole) is None
    extra = chunk(b"tEXt", b"key", checksum=0)
    assert without_metadata(whole[:-12] + extra + whole[-12:]).data == whole


@pytest.mark.parametrize("compression", [None, "tiff_lzw", "jpeg"])
def test_tiff_tags_that_stop_pillow(tmp_path, compression):
    """The resolution is text: Pillow does not open such a file."""
    PHOTO.save(
        tmp_path / "a.tif",
        dpi=(72, 72),
        tiffinfo={ORIENTATION: 6, 0x0131: "software", 0x010F: "maker"},
        compression=compression,
    )
    whole = load_image(tmp_path / "a.tif")
    assert whole.shape == (COLUMNS, ROWS, 3)
    data = bytearray((tmp_path / "a.tif").read_bytes())
    for tag in (0x011A, 0x011B):
        at = data.index(struct.pack("<HHI", tag, 5, 1))
        data[at : at + 8] = struct.pack("<HHI", tag, 2, 8)
    at = data.index(struct.pack("<HH", 0x0128, 3))
    data[at + 8] = 3  # pixels per centimeter, which Pillow converts
    with pytest.raises(Image.UnidentifiedImageError):
        Image.open(io.BytesIO(data))
    np.testing.assert_array_equal(decode_image(io.BytesIO(data), "a.tif"), whole)


@pytest.mark.skipif(not features.check("avif"), reason="this Pillow was built without AVIF")
def test_avif_with_a_tag_of_another_type():
    data = encoded("AVIF", PHOTO.resize((32, 16)), exif=turned(), quality=90)
    whole = decode_image(io.BytesIO(data), "a.avif")
    assert whole.shape == (32, 16, 3)
    tag = next(
        struct.pack(o + "HH", 0x010F, 2) for o in "<>" if struct.pack(o + "HH", 271, 2) in data
    )
    damaged = data.replace(tag, tag.replace(b"\2", b"\5"))
    with pytest.raises((AttributeError, OSError)):
        Image.open(io.BytesIO(damaged))
    np.testing.assert_array_equal(decode_image(io.BytesIO(damaged), "a.avif"), whole)


def test_the_first_picture_of_several(tmp_path):
    for name in ("GIF", "TIFF", "WebP", "MPO"):
        path = tmp_path / name
        path.write_bytes(samples()[name])
        with Image.open(path) as image:
            assert image.n_frames == 2
        mean = abs(load_image(path).astype(int) - np.rot90(PIXELS, 0 if name == "GIF" else -1))
        assert mean.mean() < 12


def test_a_link_to_no_file_is_named(tmp_path):
    os.symlink(tmp_path / "gone", tmp_path / "a.jpg")
    with pytest.raises(InputError, match=r"expected an image file, got a link to no file: .*a.jpg"):
        load_image(tmp_path / "a.jpg")


def test_a_link_to_itself_is_named(tmp_path):
    os.symlink(tmp_path / "a.jpg", tmp_path / "a.jpg")
    with pytest.raises(InputError, match=r"\[load_image\] .*a.jpg"):
        load_image(tmp_path / "a.jpg")


def test_a_file_without_permission_is_named(tmp_path, monkeypatch):
    def refuse(*args, **kwargs):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("builtins.open", refuse)
    with pytest.raises(InputError, match=r"can be read, got .*a.jpg \(Permission denied\); change"):
        load_image(tmp_path / "a.jpg")


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"", "an empty file"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0", "a Git LFS pointer, which"),
        (b"<!DOCTYPE html><html>", "a web page"),
        (b"<html>404", "a web page"),
        (b"%PDF-1.7", "a PDF"),
        (b"hello", "no format that it knows"),
    ],
)
def test_what_is_often_found_in_place_of_photos(content, kind):
    with pytest.raises(InputError, match=rf"Pillow reads, got a.jpg \({kind}"):
        decode_image(io.BytesIO(content), "a.jpg")


@pytest.mark.parametrize("path", [None, 3, b"\0", "a\0b", 1.5, "x" * 5000])
def test_what_is_no_path_is_refused(path):
    with pytest.raises(InputError, match=r"\[load_image\]"):
        load_image(path)


def test_names_of_any_bytes_stay_on_one_line(tmp_path):
    path = os.path.join(os.fsencode(tmp_path), b"a\nb\x1b[2J\xff.jpg")
    with open(path, "wb") as file:
        file.write(b"no image")
    with pytest.raises(InputError) as caught:
        load_image(os.fsdecode(path))
    assert "a\\nb\\x1b[2J\\udcff.jpg" in str(caught.value)
    str(caught.value).encode("ascii")


@pytest.mark.parametrize("error", [MemoryError, RecursionError, KeyError(3), OverflowError("x")])
def test_any_error_of_a_reader_names_the_file(tmp_path, monkeypatch, error):
    def fail(*args):
        raise error

    PHOTO.save(tmp_path / "a.png")
    monkeypatch.setattr(Image.Image, "convert", fail)
    with pytest.raises(InputError, match=r"image that Pillow reads, got .*a.png \(\w*Error"):
        load_image(tmp_path / "a.png")


def test_a_pipe_is_read(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    writer = threading.Thread(target=(tmp_path / "pipe").write_bytes, args=(encoded("PNG"),))
    writer.start()
    np.testing.assert_array_equal(load_image(tmp_path / "pipe"), PIXELS)
    writer.join()


@pytest.mark.parametrize("tag", [{254: 1}, {50706: b"\1\4\0\0"}])
def test_the_preview_in_a_raw_file_is_refused(tmp_path, tag):
    PHOTO.save(tmp_path / "a.dng", "TIFF", tiffinfo=tag)
    with pytest.raises(
        InputError, match="expected a developed photo, got a raw file, or a preview"
    ):
        load_image(tmp_path / "a.dng")


def test_warnings_of_several_threads_are_hidden_and_shown_again():
    data, seen = samples()["TIFF"], []
    damaged = data.replace(struct.pack("<HHI", ORIENTATION, 3, 1), struct.pack("<HHI", 274, 3, 9))
    assert damaged != data
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        before = list(warnings.filters)

        def read():
            for _ in range(20):
                seen.append(decode_image(io.BytesIO(damaged), "a.tif").shape)

        threads = [threading.Thread(target=read) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert list(warnings.filters) == before
    assert len(seen) == 80


def test_a_damaged_image_of_pillow_is_refused(tmp_path):
    (tmp_path / "a.png").write_bytes(encoded("PNG", Image.effect_noise((64, 64), 50))[:900])
    with (
        Image.open(tmp_path / "a.png") as image,
        pytest.raises(InputError, match="PIL image whose"),
    ):
        rgb_of(image)

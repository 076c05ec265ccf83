"""File names of images, and of files of the system."""

import pytest

from hvit_edge.images.file_names import printable
from hvit_edge.images.suffixes import has_image_suffix, image_suffixes, is_hidden

IMAGES = """
a.jpg a.JPEG a.jfif a.jpe a.JPG_large a.jpg-large a.jpg:orig a.png_small a.heic a.HEIF a.hif a.avif
a.j2k a.jp2 a.jpx a.mpo a.webp a.tif a.TIFF a.bmp a.dib a.gif a.apng a.pgm a.pnm a.tga a.qoi a.ico
a.b.jpg"""
OTHERS = """
a a.txt a.json a.svg a.pdf a.eps a.mp4 a.mpg a.h5 a.npz a.dng a.cr2 a.jxl a.jpg.part a.large_jpg jpg
.jpg a."""


@pytest.mark.parametrize("name", IMAGES.split())
def test_images(name):
    assert has_image_suffix(name)


@pytest.mark.parametrize("name", OTHERS.split())
def test_others(name):
    assert not has_image_suffix(name)


def test_those_of_older_versions_are_among_them():
    old = {
        ".jpg",
        ".jpeg",
        ".png",
        ".bmp",
        ".gif",
        ".webp",
        ".tif",
        ".tiff",
        ".ppm",
        ".pgm",
        ".jp2",
    }
    assert old < image_suffixes()


def test_hidden():
    hidden = [".DS_Store", "._a.jpg", "Thumbs.db", "desktop.ini", "Icon\r", "__MACOSX", "@eaDir"]
    assert all(map(is_hidden, hidden))
    assert not any(map(is_hidden, ["a.jpg", "thumbs.jpg", "cat", "_a.jpg"]))


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("plain name.jpg", "plain name.jpg"),
        ("k\u00e4tzchen \u732b.jpg", "k\u00e4tzchen \u732b.jpg"),
        ("a\nb\r\t.jpg", "a\\nb\\r\\t.jpg"),
        (b"\xff.jpg", "\\udcff.jpg"),
        ("a\x1b[31m\x7f", "a\\x1b[31m\\x7f"),
        ("gpj.\u202ecat", "gpj.\\u202ecat"),
        ("a\u2028b", "a\\u2028b"),
    ],
)
def test_printable(name, shown):
    assert printable(name) == shown

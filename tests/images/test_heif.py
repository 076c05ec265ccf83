"""HEIC and AVIF are read if a reader is installed; otherwise the error names the package."""

import struct
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image, ImageFile, features

from hvit_edge.errors import InputError
from hvit_edge.images import heif
from hvit_edge.images.load_image import load_image


def container(*brands):
    return (
        struct.pack(">I", 8 + 4 * (len(brands) + 1))
        + b"ftyp"
        + brands[0]
        + b"\0\0\0\0"
        + (b"".join(brands[1:]))
    )


@pytest.mark.parametrize("brands", [(b"heic", b"mif1"), (b"mif1", b"heic"), (b"heix",)])
def test_without_pillow_heif_the_package_is_named(tmp_path, monkeypatch, brands):
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    (tmp_path / "a.jpg").write_bytes(container(*brands))
    with pytest.raises(InputError, match=r"a.jpg; pip install pillow-heif, or convert it to JPEG"):
        load_image(tmp_path / "a.jpg")


def test_with_pillow_heif_it_is_registered_and_asked(tmp_path, monkeypatch):
    """The stand-in for the package has a picture of one pixel, and ignores EXIF."""

    class Stub(ImageFile.ImageFile):
        format = "HEIF"

        def _open(self):
            self._size, self._mode = (2, 1), "RGB"
            self.info["xmp"] = b'<a tiff:Orientation="6"/>'
            self.im = Image.frombytes("RGB", (2, 1), bytes([1, 2, 3, 4, 5, 6])).im
            self.tile = []

    def register():
        Image.register_open("HEIF", Stub, lambda prefix: prefix[4:12] == b"ftypheic")

    monkeypatch.setitem(sys.modules, "pillow_heif", SimpleNamespace(register_heif_opener=register))
    monkeypatch.setattr(Image, "ID", list(Image.ID))
    monkeypatch.setattr(Image, "OPEN", dict(Image.OPEN))
    (tmp_path / "a.heic").write_bytes(container(b"heic"))
    assert load_image(tmp_path / "a.heic").tolist() == [[[1, 2, 3], [4, 5, 6]]]


@pytest.mark.skipif(not heif._pillow_reads_avif(), reason="this Pillow was built without AVIF")
def test_avif(tmp_path):
    photo = Image.linear_gradient("L").resize((32, 16)).convert("RGB")
    exif = Image.Exif()
    exif[0x0112] = 6
    photo.save(tmp_path / "a.avif", quality=100, exif=exif)
    found = load_image(tmp_path / "a.avif").astype(int)
    assert abs(found - np.rot90(np.asarray(photo).astype(int), -1)).max() <= 4
    photo.save(tmp_path / "b.avif", quality=100, xmp=b'<a tiff:Orientation="6"/>')
    assert load_image(tmp_path / "b.avif").shape == (16, 32, 3), "the container decides"


def test_without_avif_a_newer_pillow_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(features, "check_module", lambda name: False)
    (tmp_path / "a.avif").write_bytes(container(b"avif"))
    with pytest.raises(InputError, match=r"a.avif; pip install -U pillow, or convert it to JPEG"):
        load_image(tmp_path / "a.avif")


def test_other_containers_are_no_images(tmp_path):
    (tmp_path / "a.jpg").write_bytes(container(b"isom", b"mp42"))
    with pytest.raises(InputError, match=r"got .*a.jpg \(no format that it knows\)"):
        load_image(tmp_path / "a.jpg")

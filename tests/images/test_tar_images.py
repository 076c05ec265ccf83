"""Tar files in the layout of WebDataset, written by the standard library."""

import io
import tarfile

import numpy as np
import pytest
from PIL import Image

from hvit_edge.datasets import open_images
from hvit_edge.errors import InputError


def png(value):
    stream = io.BytesIO()
    Image.fromarray(np.full((2, 3, 3), value, np.uint8)).save(stream, "PNG")
    return stream.getvalue()


def write_tar(path, members, mode="w"):
    with tarfile.open(path, mode) as archive:
        for name, content in members:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


def samples(*labels, first=0):
    """Return images of their numbers, with their classes and a file that is not read."""
    for number, label in enumerate(labels, start=first):
        yield f"{number:04}.png", png(number)
        yield f"{number:04}.json", b"{}"
        yield f"{number:04}.cls", str(label).encode()


def test_images_with_their_classes(tmp_path):
    images = open_images(write_tar(tmp_path / "a.tar", samples(1, 0, 2)), classes=3)
    assert images.names == ["a.tar/0000.png", "a.tar/0001.png", "a.tar/0002.png"]
    assert images.labels == [1, 0, 2]
    assert [sample.image[0, 0].tolist() for sample in images] == [[i] * 3 for i in range(3)]
    assert images.ignored.count == 0


def test_a_folder_of_tar_files(tmp_path):
    write_tar(tmp_path / "b.tar", samples(2, first=7))
    write_tar(tmp_path / "a.tar", samples(1, 0))
    images = open_images(tmp_path, classes=3)
    assert (images.labels, int(images.read(2)[0, 0, 0])) == ([1, 0, 2], 7)


def test_names_in_folders_and_other_pictures_of_a_sample(tmp_path):
    members = [
        ("x/1.seg.png", png(9)),
        ("x/1.png", png(1)),
        ("y/1.png", png(2)),
        ("x/1.cls", b"1\n"),
        ("y/1.cls", b"0"),
        ("z.txt", b"notes"),
    ]
    images = open_images(write_tar(tmp_path / "a.tar", members), classes=2)
    assert (images.names, images.labels) == (["a.tar/x/1.png", "a.tar/y/1.png"], [1, 0])
    assert int(images.read(0)[0, 0, 0]) == 1
    assert images.ignored.names == ("a.tar/z",)


def test_without_labels(tmp_path):
    images = open_images(write_tar(tmp_path / "a.tar", [("1.png", png(1))]))
    assert images.labels is None and len(images) == 1


def test_an_image_that_cannot_be_read_is_skipped(tmp_path):
    members = [*samples(0), ("9.png", b"torn"), ("9.cls", b"0")]
    images = open_images(write_tar(tmp_path / "a.tar", members), classes=1)
    assert len(list(images)) == 1
    assert [skipped.name for skipped in images.skipped] == ["a.tar/9.png"]


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ([("1.png", b"x")], r"expected a file .cls with the number.* got none for a.tar/1.png"),
        ([("1.png", b"x"), ("1.cls", b"cat")], "got none for a.tar/1.png"),
        ([("1.png", b"x"), ("1.cls", b"-1")], "got none for a.tar/1.png"),
        ([("1.png", b"x"), ("1.cls", b"5")], "expected labels from 0 to 4"),
        ([("1.txt", b"x")], "expected images in tar files, got none"),
        ([], "expected images in tar files, got none"),
    ],
)
def test_refusals(tmp_path, members, message):
    with pytest.raises(InputError, match=message):
        open_images(write_tar(tmp_path / "a.tar", members), classes=5)


@pytest.mark.parametrize("content", [b"", b"no tar" * 200])
def test_other_files_are_refused(tmp_path, content):
    (tmp_path / "a.tar").write_bytes(content)
    with pytest.raises(InputError, match="expected a tar file without compression|got none"):
        open_images(tmp_path / "a.tar", classes=5)


def test_a_compressed_file_is_refused(tmp_path):
    write_tar(tmp_path / "a.tar", samples(0), "w:gz")
    with pytest.raises(InputError, match="expected a tar file without compression"):
        open_images(tmp_path / "a.tar", classes=5)

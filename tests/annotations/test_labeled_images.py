"""Folders and NPZ files with classes of any names."""

import numpy as np
import pytest
from PIL import Image

from hvit_edge.annotations import open_labeled
from hvit_edge.errors import InputError


def write(folder, *names):
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        Image.fromarray(np.zeros((4, 5, 3), np.uint8)).save(folder / name)


def test_subfolders_are_classes(tmp_path):
    write(tmp_path / "20", "a.png", "b.png")
    write(tmp_path / "7 up", "c.png")
    write(tmp_path / "empty")
    images, names = open_labeled(tmp_path)
    assert names == ("20", "7 up", "empty")
    assert (images.names, images.labels) == (["20/a.png", "20/b.png", "7 up/c.png"], [0, 0, 1])
    assert images.empty_folders == {"empty": 2}


def test_an_npz_has_numbers(tmp_path):
    path = tmp_path / "set.npz"
    pixels = np.zeros((3, 4, 4, 3), np.uint8)
    np.savez(path, images=pixels, labels=np.array([2, 2_000_000_000, 2]))
    images, names = open_labeled(path)
    assert (names, images.labels) == (("2", "2000000000"), [0, 1, 0])
    np.savez(path, images=pixels, labels=np.array([2, -1, 2]))
    with pytest.raises(InputError, match="1 outside, the first -1 at position 1"):
        open_labeled(path)


def test_folders_that_are_no_classes_are_refused(tmp_path):
    with pytest.raises(InputError, match="expected one subfolder per class, got no subfolder"):
        open_labeled(tmp_path)
    write(tmp_path / "one", "a.png")
    with pytest.raises(InputError, match="images of at least two classes, got one"):
        open_labeled(tmp_path)
    write(tmp_path / "One", "a.png")
    with pytest.raises(InputError, match=r"differ in more than case.* got One, one; rename"):
        open_labeled(tmp_path)
    with pytest.raises(InputError, match="one subfolder per class, or an NPZ file, got .*a.png"):
        open_labeled(tmp_path / "one" / "a.png")

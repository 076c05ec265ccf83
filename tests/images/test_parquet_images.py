"""Parquet files with images and classes, written by pyarrow."""

import io
import sys

import numpy as np
import pytest
from PIL import Image

from hvit_edge.datasets import open_images
from hvit_edge.errors import InputError, MissingPackageError


def png(value):
    stream = io.BytesIO()
    Image.fromarray(np.full((2, 3, 3), value, np.uint8)).save(stream, "PNG")
    return stream.getvalue()


@pytest.fixture
def write(tmp_path):
    """`(name, **columns) -> path`, with three rows in a group."""
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")

    def written(name, **columns):
        parquet.write_table(pyarrow.table(columns), tmp_path / name, row_group_size=3)
        return tmp_path / name

    return written


def structs(*values):
    return [{"bytes": png(value), "path": None} for value in values]


@pytest.mark.parametrize("as_structs", [False, True])
def test_images_with_their_classes(write, as_structs):
    values = range(7)
    images = structs(*values) if as_structs else [png(value) for value in values]
    found = open_images(write("a.parquet", image=images, label=[0, 1, 2, 0, 1, 2, 0]), classes=3)
    assert found.labels == [0, 1, 2, 0, 1, 2, 0]
    assert found.names[4] == "a.parquet[4]"
    assert [int(sample.image[0, 0, 0]) for sample in found] == list(values)
    assert int(found.read(6)[0, 0, 0]) == 6, "in any order"
    assert int(found.read(1)[0, 0, 0]) == 1


def test_a_folder_of_files(write, tmp_path):
    write("b.parquet", image=structs(8), label=[1])
    write("a.parquet", image=structs(1, 2), label=[0, 2])
    found = open_images(tmp_path, classes=3)
    assert (found.labels, int(found.read(2)[0, 0, 0])) == ([0, 2, 1], 8)
    assert open_images(tmp_path / "a.parquet").labels is None


def test_images_that_cannot_be_read_are_skipped(write):
    images = [{"bytes": b"torn", "path": None}, {"bytes": None, "path": "a.png"}, *structs(3)]
    found = open_images(write("a.parquet", image=images, label=[0, 0, 0]), classes=1)
    assert [sample.name for sample in found] == ["a.parquet[2]"]
    assert "store the files, not their paths" in found.skipped[1].reason


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"picture": [b"x"]}, "expected the columns image and label, got picture"),
        ({"image": [b"x"]}, "expected the columns image and label, got image"),
        ({"image": [b"x"], "label": ["cat"]}, "expected whole numbers in the column label, got"),
        ({"image": [b"x"], "label": [None]}, "expected whole numbers in the column label, got"),
        ({"image": [b"x"], "label": [5]}, "expected labels from 0 to 4"),
    ],
)
def test_refusals(write, columns, message):
    with pytest.raises(InputError, match=message):
        open_images(write("a.parquet", **columns), classes=5)


def test_another_file_is_refused(tmp_path):
    pytest.importorskip("pyarrow")
    (tmp_path / "a.parquet").write_bytes(b"no parquet")
    with pytest.raises(InputError, match="expected a Parquet file, got one that cannot be read"):
        open_images(tmp_path / "a.parquet", classes=5)


def test_without_pyarrow(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    (tmp_path / "a.parquet").write_bytes(b"")
    with pytest.raises(MissingPackageError, match=r"pip install 'hvit-edge\[ray\]'"):
        open_images(tmp_path / "a.parquet", classes=5)

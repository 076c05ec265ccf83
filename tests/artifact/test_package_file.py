"""Packages are written completely or not at all."""

import os

import pytest

from hvit_edge.artifact.package_file import check_package_output, package_bytes, write_package
from hvit_edge.errors import InputError


def save(content):
    def write(path):
        path.mkdir()
        (path / "Manifest.json").write_text(content)
        (path / "Data").mkdir()
        (path / "Data" / "x.bin").write_bytes(b"12345")

    return write


@pytest.fixture
def path(tmp_path):
    return tmp_path / "a.mlpackage"


def contents(path):
    return (path / "Manifest.json").read_text()


def test_a_new_package(path):
    assert write_package(path, save("{}"), force=False) == 7 == package_bytes(path)
    assert os.listdir(path.parent) == ["a.mlpackage"]


def test_an_existing_package_is_refused_and_kept(path):
    write_package(path, save("old"), force=False)
    called = []
    with pytest.raises(InputError, match=r"\[output\] .* got an existing one: .*force=True"):
        write_package(path, called.append, force=False)
    assert (contents(path), called) == ("old", [])
    write_package(path, save("new"), force=True)
    assert contents(path) == "new"
    assert os.listdir(path.parent) == ["a.mlpackage"]


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, OSError])
@pytest.mark.parametrize("is_there", [False, True])
def test_an_error_while_saving_leaves_nothing_and_keeps_the_old(path, is_there, error):
    if is_there:
        write_package(path, save("old"), force=False)

    def fail(written):
        save("half")(written)
        raise error("enough")

    with pytest.raises(InputError if error is OSError else error, match="enough"):
        write_package(path, fail, force=True)
    assert os.listdir(path.parent) == (["a.mlpackage"] if is_there else [])
    assert not is_there or contents(path) == "old"


def test_the_old_package_comes_back_where_the_new_one_cannot_take_its_place(path, monkeypatch):
    write_package(path, save("old"), force=False)
    rename = os.rename

    def fail(source, target):
        if os.path.basename(source).startswith("new"):
            raise OSError("no space left")
        rename(source, target)

    monkeypatch.setattr(os, "rename", fail)
    with pytest.raises(InputError, match="no space left"):
        write_package(path, save("new"), force=True)
    assert contents(path) == "old"
    assert os.listdir(path.parent) == ["a.mlpackage"]


@pytest.mark.parametrize("kind", ["file", "folder", "full folder"])
@pytest.mark.parametrize("force", [False, True])
def test_what_is_no_package_is_never_replaced(path, kind, force):
    if kind == "file":
        path.write_text("precious")
    else:
        path.mkdir()
    if kind == "full folder":
        (path / "precious.txt").write_text("precious")
    with pytest.raises(InputError, match="an old one to replace, got something else"):
        write_package(path, save("new"), force=force)
    assert os.listdir(path.parent) == ["a.mlpackage"]
    assert path.read_text() == "precious" if kind == "file" else not (path / "Data").exists()


@pytest.mark.parametrize("name", ["a.pte", "a", "a.mlmodel", "a.mlpackage.zip"])
def test_another_suffix_is_refused(tmp_path, name):
    with pytest.raises(InputError, match=r"ends in .mlpackage, .* use a[.\w]*mlpackage$"):
        check_package_output(tmp_path / name, force=True)


def test_a_missing_folder_is_refused(tmp_path):
    with pytest.raises(InputError, match="expected an existing folder"):
        write_package(tmp_path / "none" / "a.mlpackage", save("{}"), force=False)

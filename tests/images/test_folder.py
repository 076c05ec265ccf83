"""The contents of a folder: images, files with other names, and unusual paths."""

import os
import socket

import pytest
from PIL import Image

from hvit_edge.errors import InputError
from hvit_edge.images import folder as folder_module
from hvit_edge.images.folder import contents_of, read_image


def put(root, *names):
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (2, 1)).save(path, "PNG")


def names_of(paths, root):
    return [str(path.relative_to(root)) for path in paths]


def test_images_and_others_sorted_and_without_the_systems_own(tmp_path):
    put(tmp_path, "b.jfif", "a.JPG", "deep/er/c.heic", ".hidden/d.png", "__MACOSX/e.png", "._f.jpg")
    put(tmp_path, "Thumbs.db", "notes.txt", "noend", "@eaDir/g.jpg", ".DS_Store", "desktop.ini")
    found = contents_of(tmp_path)
    assert names_of(found.images, tmp_path) == ["a.JPG", "b.jfif", "deep/er/c.heic"]
    assert names_of(found.others, tmp_path) == ["noend", "notes.txt"]


def test_links_to_folders_are_followed_and_loops_named(tmp_path):
    put(tmp_path, "other/a.png", "set/b.png")
    os.symlink(tmp_path / "other", tmp_path / "set" / "link")
    os.symlink(tmp_path / "set", tmp_path / "set" / "loop")
    found = contents_of(tmp_path / "set")
    assert names_of(found.images, tmp_path / "set") == ["b.png", "link/a.png", "loop"]
    with pytest.raises(InputError, match="got a link to a folder around it: .*set/loop"):
        read_image(found.images[-1])


def test_folders_named_like_images(tmp_path):
    put(tmp_path, "full.jpg/a.png")
    (tmp_path / "empty.jpg").mkdir()
    found = contents_of(tmp_path)
    assert names_of(found.images, tmp_path) == ["empty.jpg", "full.jpg/a.png"]
    with pytest.raises(InputError, match="expected an image, got an empty folder: .*empty.jpg"):
        read_image(found.images[0])


def test_links_to_nothing_and_to_themselves(tmp_path):
    os.symlink(tmp_path / "gone", tmp_path / "a.jpg")
    os.symlink(tmp_path / "b.jpg", tmp_path / "b.jpg")
    os.symlink(tmp_path / "gone", tmp_path / "c")
    found = contents_of(tmp_path)
    assert names_of(found.images, tmp_path) == ["a.jpg", "b.jpg"]
    assert names_of(found.others, tmp_path) == ["c"]
    for path in found.images:
        with pytest.raises(InputError, match=path.name):
            read_image(path)


def test_pipes_and_sockets_are_not_opened(tmp_path, monkeypatch):
    os.mkfifo(tmp_path / "a.jpg")
    monkeypatch.chdir(tmp_path)  # a socket's path must be short
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("b.png")
        found = contents_of(tmp_path)
        assert names_of(found.images, tmp_path) == ["a.jpg", "b.png"]
        for path in found.images:
            with pytest.raises(InputError, match="expected an image file, got a device"):
                read_image(path)


def test_a_folder_that_cannot_be_listed_is_named(tmp_path, monkeypatch):
    put(tmp_path, "a.png", "closed/b.png")
    listdir = os.listdir

    def refuse(path):
        if os.path.basename(path) == "closed":
            raise PermissionError(13, "Permission denied")
        return listdir(path)

    monkeypatch.setattr(folder_module.os, "listdir", refuse)
    found = contents_of(tmp_path)
    assert names_of(found.images, tmp_path) == ["a.png", "closed"]
    message = r"got a folder that cannot be listed \(Permission denied\): .*closed"
    with pytest.raises(InputError, match=message):
        read_image(found.images[1])


def test_a_photo_that_icloud_holds_is_named(tmp_path):
    put(tmp_path, ".a.heic.icloud", ".notes.txt.icloud", ".icloud")
    found = contents_of(tmp_path)
    assert names_of(found.images, tmp_path) == [".a.heic.icloud"]
    assert names_of(found.others, tmp_path) == [".notes.txt.icloud"]
    with pytest.raises(InputError, match="got iCloud's placeholder: .*; download the photo"):
        read_image(found.images[0])


def test_names_of_any_bytes(tmp_path):
    name = os.fsdecode(b"\xff\n.jpg")
    put(tmp_path, name)
    (found,) = contents_of(tmp_path).images
    assert found.name == name and read_image(found).shape == (1, 2, 3)

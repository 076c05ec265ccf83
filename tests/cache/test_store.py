"""The store: what is read is what was written, and nothing here fails a compilation."""

import os
import subprocess
import sys
import warnings

import pytest

from hvit_edge.cache.settings import cache_folder, cache_size
from hvit_edge.cache.store import Store, open_store
from hvit_edge.errors import InputError

KEY, OTHER, THIRD = "a" * 64, "b" * 64, "c" * 64


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "cache", 1000)


def path_of(store: Store, key: str):
    return store.folder / f"rounded-{key}.hve"


def test_reads_what_was_written(store):
    assert store.read("rounded", KEY) is None
    store.write("rounded", KEY, b"first")
    store.write("rounded", KEY, b"second\n\0")
    assert store.read("rounded", KEY) == b"second\n\0"
    assert store.read("exported", KEY) is None
    assert store.read("rounded", OTHER) is None
    assert os.listdir(store.folder) == [f"rounded-{KEY}.hve"]
    assert store.folder.stat().st_mode & 0o777 == 0o700 & ~current_umask()


def current_umask() -> int:
    found = os.umask(0)
    os.umask(found)
    return found


DAMAGE = {
    "empty": lambda data: b"",
    "truncated": lambda data: data[:-1],
    "longer": lambda data: data + b"\0",
    "one bit in the content": lambda data: data[:-1] + bytes([data[-1] ^ 1]),
    "one bit in the digest": lambda data: data[:8] + bytes([data[8] ^ 1]) + data[9:],
    "foreign": lambda data: b"PK\3\4" + 200 * b"x",
    "of an old format": lambda data: b"HVECACH0" + data[8:],
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_file_is_deleted_with_one_warning(store, damage):
    store.write("rounded", KEY, b"content")
    path = path_of(store, KEY)
    path.write_bytes(DAMAGE[damage](path.read_bytes()))
    with pytest.warns(UserWarning, match=r"^\[cache\] .* is damaged; .* made again$") as caught:
        assert store.read("rounded", KEY) is None
    assert len(caught) == 1
    assert not path.exists()
    store.write("rounded", KEY, b"content")
    assert store.read("rounded", KEY) == b"content"


def test_the_file_of_another_key_is_not_this_one(store):
    store.write("rounded", KEY, b"content")
    path_of(store, KEY).rename(path_of(store, OTHER))
    with pytest.warns(UserWarning, match="damaged"):
        assert store.read("rounded", OTHER) is None


def test_the_least_recently_used_go_first(tmp_path):
    store = Store(tmp_path, 900)
    for age, key in ((300, KEY), (200, OTHER)):
        store.write("rounded", key, bytes(200))
        os.utime(path_of(store, key), (1000 - age, 1000 - age))
    assert store.read("rounded", KEY) == bytes(200)  # was the oldest, is the newest
    store.write("rounded", THIRD, bytes(250))
    assert [file.path for file in store.files()] == [path_of(store, KEY), path_of(store, THIRD)]
    store.write("rounded", OTHER, bytes(901))  # would not fit alone
    assert store.read("rounded", OTHER) is None
    assert len(store.files()) == 2


def test_temporary_files_of_processes_that_ended_are_deleted(store):
    store.write("rounded", KEY, b"content")
    old, new = (store.folder / f".rounded-{KEY}.hve.{name}.tmp" for name in ("old", "new"))
    for path in (old, new):
        path.write_bytes(b"half")
    os.utime(old, (1000, 1000))
    store.write("rounded", OTHER, b"content")
    assert not old.exists() and new.exists()


def test_clear_deletes_nothing_else(store):
    store.write("rounded", KEY, b"content")
    others = ["notes.txt", "rounded-a.hve", f"rounded-{KEY}.hve.bak"]
    for name in others:
        (store.folder / name).write_text("mine")
    (store.folder / f"rounded-{OTHER}.hve").symlink_to(store.folder / "notes.txt")
    deleted = store.clear()
    assert [(file.kind, file.path) for file in deleted] == [("rounded", path_of(store, KEY))]
    assert sorted(os.listdir(store.folder)) == sorted([*others, f"rounded-{OTHER}.hve"])
    assert store.clear() == []


def test_a_folder_that_cannot_be_written_turns_it_off_with_one_warning(tmp_path):
    (tmp_path / "file").write_text("")
    store = Store(tmp_path / "file" / "cache", 1000)
    with pytest.warns(UserWarning, match=r"^\[cache\] .*; compiling without it$") as caught:
        store.write("rounded", KEY, b"content")
        store.write("rounded", KEY, b"content")
        assert store.read("rounded", KEY) is None
    assert len(caught) == 1


def test_a_full_disk_turns_it_off(store, monkeypatch):
    def full(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("hvit_edge.artifact.container.os.fsync", full)
    with pytest.warns(UserWarning, match="No space left on device.*compiling without it"):
        store.write("rounded", KEY, b"content")
    assert os.listdir(store.folder) == []


def test_a_read_only_folder_is_read(store, monkeypatch):
    def refused(*arguments):
        raise PermissionError(13, "Permission denied")

    store.write("rounded", KEY, b"content")
    monkeypatch.setattr(os, "utime", refused)
    assert store.read("rounded", KEY) == b"content"


WRITER = """
import sys
from pathlib import Path
from hvit_edge.cache.store import Store
store = Store(Path(sys.argv[1]), 3000)
for turn in range(60):
    for place in range(6):
        key = f"{place:064x}"
        content = bytes([place]) * 700
        found = store.read("rounded", key)
        assert found in (None, content), found
        store.write("rounded", key, content)
"""


def test_processes_write_and_delete_at_the_same_time(tmp_path):
    """None waits, fails, warns or reads half a file."""
    command = [sys.executable, "-W", "error", "-c", WRITER, str(tmp_path)]
    running = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(3)]
    ends = [(process.communicate()[1], process.returncode) for process in running]
    assert ends == [("", 0)] * 3
    assert sum(file.size for file in Store(tmp_path, 3000).files()) <= 3000


@pytest.mark.parametrize(
    ("environment", "platform", "expected"),
    [
        ({"HVIT_EDGE_CACHE_DIR": "/a", "XDG_CACHE_HOME": "/b"}, "linux", "/a"),
        ({"XDG_CACHE_HOME": "/b"}, "linux", "/b/hvit-edge"),
        ({}, "linux", "/home/ada/.cache/hvit-edge"),
        ({}, "darwin", "/home/ada/Library/Caches/hvit-edge"),
        ({"LOCALAPPDATA": "/local"}, "win32", "/local/hvit-edge/cache"),
    ],
)
def test_the_folder(environment, platform, expected, monkeypatch):
    monkeypatch.setenv("HOME", "/home/ada")
    assert str(cache_folder(environment, platform)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [("", 2 * 10**9), ("0", 0), ("500MB", 500 * 10**6), ("1.5 gb", 15 * 10**8), ("4096", 4096)],
)
def test_the_size(text, expected):
    assert cache_size({"HVIT_EDGE_CACHE_SIZE": text}) == expected


@pytest.mark.parametrize("text", ["big", "-1", "2TB", "1e9"])
def test_a_wrong_size_is_refused(text, monkeypatch):
    monkeypatch.setenv("HVIT_EDGE_CACHE_SIZE", text)
    with pytest.raises(InputError, match=r"expected a size such as 500MB, 2GB or 0, .* got '"):
        open_store()


def test_size_zero_means_no_store(monkeypatch):
    monkeypatch.setenv("HVIT_EDGE_CACHE_SIZE", "0")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert open_store() is None

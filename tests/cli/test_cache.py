"""`hvit-edge cache`: what it shows and what it deletes."""

import json
import subprocess
import sys

import pytest

from hvit_edge.cache.store import Store
from hvit_edge.cli import main


@pytest.fixture
def folder(monkeypatch, tmp_path):
    monkeypatch.setenv("HVIT_EDGE_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("HVIT_EDGE_CACHE_SIZE", "4MB")
    return tmp_path / "cache"


def fill(folder) -> int:
    """Store three results, and return their bytes."""
    store = Store(folder, 4 * 10**6)
    store.write("exported", "a" * 64, bytes(1000))
    store.write("rounded", "a" * 64, bytes(2000))
    store.write("rounded", "b" * 64, bytes(3000))
    return sum(path.stat().st_size for path in folder.iterdir())


def test_info(folder, capsys):
    size = fill(folder)
    assert main(["cache", "info"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"  folder    {folder}"
    assert lines[1] == f"  size      {size / 1024:.1f} KiB of at most 3.8 MiB"
    assert lines[2].startswith("  exported  1, 1.") and lines[3].startswith("  rounded   2, 5.")
    assert len(list(folder.iterdir())) == 3


def test_info_as_json(folder, capsys):
    size = fill(folder)
    assert main(["cache", "info", "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    kinds = found.pop("kinds")
    assert found == {
        "action": "info",
        "folder": str(folder),
        "limit_bytes": 4 * 10**6,
        "bytes": size,
    }
    assert {name: kind["files"] for name, kind in kinds.items()} == {"exported": 1, "rounded": 2}
    assert sum(kind["bytes"] for kind in kinds.values()) == size


def test_clear(folder, capsys):
    size = fill(folder)
    (folder / "mine.txt").write_text("mine")
    assert main(["cache", "clear"]) == 0
    out = capsys.readouterr().out
    assert out == f"Deleted 3 results, {size / 1024:.1f} KiB, from {folder}\n"
    assert [path.name for path in folder.iterdir()] == ["mine.txt"]
    assert main(["cache", "clear"]) == 0
    assert capsys.readouterr().out.startswith("Deleted 0 results, 0.0 KiB")


def test_a_cache_that_is_off_or_empty(folder, capsys, monkeypatch):
    monkeypatch.setenv("HVIT_EDGE_CACHE_SIZE", "0")
    assert main(["cache", "info"]) == 0
    assert "0.0 KiB of at most 0, the cache is off" in capsys.readouterr().out
    assert not folder.exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "the following arguments are required: {info,clear}"),
        (["clera"], "expected info or clear, got 'clera'; did you mean 'clear'?"),
    ],
)
def test_refusals(arguments, message, folder, capsys):
    assert main(["cache", *arguments]) == 2
    assert message in capsys.readouterr().err


def test_a_wrong_size_is_named(folder, capsys, monkeypatch):
    monkeypatch.setenv("HVIT_EDGE_CACHE_SIZE", "much")
    assert main(["cache", "info"]) == 2
    assert "HVIT_EDGE_CACHE_SIZE: expected a size such as 500MB" in capsys.readouterr().err


def test_it_imports_no_torch(folder):
    code = (
        "import sys; from hvit_edge.cli import main; code = main(['cache', 'info']);"
        " sys.exit(code or 'torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True).returncode == 0

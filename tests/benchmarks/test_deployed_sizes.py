"""Sizes of the libraries of apps and of Python environments, and their tables."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

REPORT = {
    "machine": {
        "cpu": "X", "architecture": "x86_64", "cores": 2, "packages": {"hvit-edge": "0.1.0"},
        "date": "2026-11-30",
    },
    "load": 1.26,
    "program": "a.pte",
    "program_bytes": 2_000_000,
    "runs": 3,
    "rows": [
        {
            "runtime": "full", "executorch_bytes": 3_000_000, "c_library_bytes": 1_500_000,
            "runner_bytes": 1_400_000, "peak_bytes": 20_000_000, "cpu_seconds": 0.0301,
        },
        {
            "runtime": "small", "executorch_bytes": 0, "c_library_bytes": 1_600_000,
            "runner_bytes": 1_500_000, "peak_bytes": 9_000_000, "cpu_seconds": 0.0204,
        },
    ],
    "peers": [{"runtime": "LiteRT", "bytes": 8_039_424}],
    "environments": [{"install": "hvit-edge", "packages": 5, "bytes": 116_400_000}],
}  # fmt: skip


@pytest.fixture
def tables(load):
    return load("tables/deployed_sizes.py")


def test_libraries(tables):
    lines = tables.libraries_table(REPORT).splitlines()
    assert lines[2:5] == [
        "| full | 1.5 MB | 3.0 MB | 4.5 MB | 20.0 MB | 30 ms |",
        "| small | 1.6 MB | none | 1.6 MB | 9.0 MB | 20 ms |",
        "| LiteRT |  |  | 8.0 MB |  |  |",
    ]
    assert "runs it twice on one thread, medians of 3." in lines[-1]
    assert "Load average 1.3. X, x86_64, 2 cores, hvit-edge 0.1.0, 2026-11-30." in lines[-1]


def test_the_cost_of_peers(tables):
    peer = {**REPORT["peers"][0], "peak_bytes": 21_000_000, "cpu_seconds": 0.05}
    lines = tables.libraries_table({**REPORT, "peers": [peer], "peer_runs": 5}).splitlines()
    assert lines[4] == "| LiteRT |  |  | 8.0 MB | 21.0 MB | 50 ms |"
    assert "less what Python and numpy take alone, medians of 5. Load" in lines[-1]


def test_peers_are_measured_beyond_python(load, tmp_path, monkeypatch):
    measured = load("deployed_sizes.py")
    np.savez(tmp_path / measured.PEER_INPUT, np.zeros(3, np.float32))
    guest = tmp_path / "guest.py"
    guest.write_text("import numpy as np; held = np.ones(50_000_000, np.uint8)")
    monkeypatch.setattr(measured, "GUEST", guest)
    monkeypatch.setattr(measured, "PEER_RUNS", 1)
    found = measured.measure_peer("LiteRT", tmp_path, Path(sys.executable), tmp_path)
    assert 40e6 < found["peak_bytes"] < 60e6
    assert set(found) == {"peak_bytes", "cpu_seconds"}


def test_android(tables):
    assert tables.android_table(REPORT) == "Not measured yet."
    rows = [{"abi": "arm64-v8a", "bytes": 694_672}, {"abi": "x86_64", "bytes": 600_400}]
    lines = tables.android_table({**REPORT, "android": rows}).splitlines()
    assert lines[2:4] == ["| `arm64-v8a` | 695 kB |", "| `x86_64` | 600 kB |"]


def test_the_libraries_for_android_are_measured_alone(load, tmp_path, monkeypatch):
    measured = load("deployed_sizes.py")
    results = tmp_path / "results.json"
    results.write_text(json.dumps(REPORT))
    monkeypatch.setattr(measured, "RESULTS", results)
    monkeypatch.setattr(sys, "argv", ["deployed_sizes.py", "--android", "--builds", str(tmp_path)])
    with pytest.raises(SystemExit, match="x86_64 in .*, found none; make android-link"):
        measured.main()
    for abi in ("x86_64", "arm64-v8a"):
        (tmp_path / "android" / abi).mkdir(parents=True)
        (tmp_path / "android" / abi / measured.JNI_LIBRARY).write_bytes(abi.encode())
    measured.main()
    report = json.loads(results.read_text())
    assert report.pop("android") == [
        {"abi": "arm64-v8a", "bytes": 9}, {"abi": "x86_64", "bytes": 6}
    ]  # fmt: skip
    assert report == REPORT


def test_environments(tables):
    lines = tables.environments_table(REPORT).splitlines()
    assert lines[2] == "| `pip install 'hvit-edge'` | 5 | 116 MB |"


def test_a_process_is_measured(load):
    code = """print('{"peak_bytes": 7}')"""
    found = load("deployed_sizes.py").run_once([sys.executable, "-c", code])
    assert found["peak_bytes"] == 7
    assert 0 < found["cpu_seconds"] < 60


def test_a_process_that_fails_ends_the_measurement(load):
    with pytest.raises(SystemExit, match=r"^\[deployed_sizes\] .* failed with 3"):
        load("deployed_sizes.py").run_once([sys.executable, "-c", "raise SystemExit(3)"])

"""Sizes of the libraries of apps and of Python environments, and their tables."""

import sys

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

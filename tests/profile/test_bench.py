"""Statistics and errors of the benchmark; no time is asserted."""

import json
import subprocess
import sys

import numpy as np
import pytest

from hvit_edge.errors import ArtifactError, InputError
from hvit_edge.profile import bench as module
from hvit_edge.profile.bench import bench, summarise
from hvit_edge.profile.peak_memory import peak_memory_bytes


def test_summary_of_known_samples():
    assert summarise(np.arange(1.0, 102.0)) == pytest.approx(
        {
            "avg": 51,
            "p50": 51,
            "p90": 91,
            "p95": 96,
            "p99": 100,
            "min": 1,
            "max": 101,
            "std": np.sqrt((101**2 - 1) / 12),
        }
    )


def test_summary_keeps_the_order_of_the_table():
    assert list(summarise(np.ones(1))) == ["avg", "p50", "p90", "p95", "p99", "min", "max", "std"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"iterations": 0}, "iterations: expected at least 1, got 0"),
        ({"warmup": -1}, "warmup: expected at least 0, got -1"),
        ({"threads": -1}, "threads: expected at least 0, got -1"),
    ],
)
def test_impossible_counts_are_refused(arguments, message):
    with pytest.raises(InputError, match=message):
        bench("x.pte", **arguments)


def test_process_that_dies_is_reported(monkeypatch):
    monkeypatch.setattr(module, "WORKER", "import os; os.abort()")
    with pytest.raises(ArtifactError, match=r"got exit status -6 \(no message\)"):
        bench("x.pte")


def test_process_that_fails_is_quoted(monkeypatch):
    monkeypatch.setattr(module, "WORKER", "raise RuntimeError('out of luck')")
    with pytest.raises(ArtifactError, match=r"status 1 \(RuntimeError: out of luck\)"):
        bench("x.pte")


def test_errors_of_the_process_keep_their_type_and_text(monkeypatch):
    error = {"error": {"type": "InputError", "message": "[x] wrong"}}
    monkeypatch.setattr(module, "WORKER", f"print('noise'); print({json.dumps(json.dumps(error))})")
    with pytest.raises(InputError, match=r"^\[x\] wrong$"):
        bench("x.pte")


def test_peak_memory_is_of_this_process_alone():
    """For a child of a large process, getrusage returns the size of the parent."""
    code = "from hvit_edge.profile.peak_memory import peak_memory_bytes; print(peak_memory_bytes())"
    ballast = np.ones(300 * 2**20, np.uint8)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert peak_memory_bytes() > ballast.nbytes
    assert 2**20 < int(done.stdout) < ballast.nbytes

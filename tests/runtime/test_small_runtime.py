"""Run the tests of native programs again, on the small C++ runtime."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from hvit_edge.runtime.binding import SMALL, VARIABLE

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
@pytest.mark.full_runtime
@pytest.mark.timeout(3600)
@pytest.mark.parametrize(
    "tests",
    [
        "tests/runtime",
        "tests/preprocess",
        "tests/targets/native",
        "tests/devices/test_runner.py tests/devices/test_open_task.py tests/devices/test_adb.py",
    ],
)
def test_tests_pass(tests, tmp_path):
    """The mark `full_runtime` leaves out this test in there, and what the small one cannot run."""
    outer = {name: text for name, text in os.environ.items() if not name.startswith("PYTEST_")}
    command = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", "not nightly", *tests.split()]
    done = subprocess.run(
        [sys.executable, *command, f"--basetemp={tmp_path / 'inner'}"],
        cwd=ROOT, env={**outer, VARIABLE: SMALL}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-10_000:]
    assert " passed" in done.stdout

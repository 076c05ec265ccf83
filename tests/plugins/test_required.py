"""Under tests/plugins/required.py a skipped test fails, and so does the run."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

PLUGINS = Path(__file__).parent
SKIPS = {
    "decorator": '@pytest.mark.skipif(True, reason="no javac")\ndef test_it():\n    pass\n',
    "call": 'def test_it():\n    pytest.skip("no javac")\n',
    "fixture": "@pytest.fixture\ndef java():\n    pytest.skip('no javac')\n\n"
    "def test_it(java):\n    pass\n",
    "module": 'pytest.skip("no javac", allow_module_level=True)\n',
}


def run(folder: Path, source: str, *arguments: str) -> subprocess.CompletedProcess:
    (folder / "test_one.py").write_text(f"import pytest\n\n{source}")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(PLUGINS)}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


@pytest.mark.parametrize("kind", SKIPS)
def test_a_skip_fails_the_run_and_says_why(kind, tmp_path):
    done = run(tmp_path, SKIPS[kind], "-p", "required")
    assert done.returncode != 0
    assert "expected this test to run, got a skip: no javac; install" in done.stdout
    assert "skipped" not in done.stdout.splitlines()[-1]


def test_a_skip_fails_in_another_process_too(tmp_path):
    done = run(tmp_path, SKIPS["call"], "-p", "required", "-n", "1")
    assert done.returncode == 1
    assert done.stdout.splitlines()[-1].startswith("1 failed")


def test_without_the_plugin_a_skip_is_a_skip(tmp_path):
    done = run(tmp_path, SKIPS["call"])
    assert (done.returncode, done.stdout.splitlines()[-1][:9]) == (0, "1 skipped")


@pytest.mark.parametrize(
    "source",
    [
        'def test_it():\n    pytest.skip("Core ML predicts on macOS alone")\n',
        "def test_it():\n    pytest.importorskip('timm', reason=\"could not import 'timm'\")\n"
        "    pytest.skip(\"could not import 'timm'\")\n",
    ],
    ids=["macOS", "timm"],
)
def test_a_skip_that_is_allowed_stays_one(source, tmp_path):
    done = run(tmp_path, source, "-p", "required")
    assert (done.returncode, done.stdout.splitlines()[-1][:9]) == (0, "1 skipped")


def test_expected_failures_stay_expected(tmp_path):
    source = "@pytest.mark.xfail\ndef test_it():\n    assert False\n"
    done = run(tmp_path, source, "-p", "required")
    assert (done.returncode, done.stdout.splitlines()[-1][:9]) == (0, "1 xfailed")

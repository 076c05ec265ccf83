"""tools/test_cpp.sh: a skipped C++ test is an error if all are required; ctest is a stand-in."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]
RESULT = '<testcase name="{}" classname="{}" time="0.1" status="{}">\n</testcase>'
CTEST = """#!/bin/sh
while [ "$1" != --output-junit ]; do shift; done
cp results.xml "$2"
exit ${STATUS:-0}
"""


@pytest.fixture
def checkout(tmp_path):
    """`(results, **variables) -> done`: the script in a folder of its own, after such tests."""
    for name in ("tools/test_cpp.sh", "cpp/tests/allowed_skips.txt"):
        (tmp_path / name).parent.mkdir(parents=True)
        shutil.copy(CHECKOUT / name, tmp_path / name)
    (tmp_path / "build/threads").mkdir(parents=True)
    ctest = tmp_path / ".venv/bin/ctest"
    ctest.parent.mkdir(parents=True)
    ctest.write_text(CTEST)
    ctest.chmod(0o755)

    def run(results: dict[str, str], **variables: str) -> subprocess.CompletedProcess:
        lines = [RESULT.format(name, name, status) for name, status in results.items()]
        (tmp_path / "results.xml").write_text("\n".join(lines))
        environment = {"PATH": os.environ["PATH"], **variables}
        return subprocess.run(
            [tmp_path / "tools/test_cpp.sh", "threads"], env=environment, capture_output=True,
            text=True, check=False,
        )  # fmt: skip

    return run


def test_a_skipped_test_is_an_error_that_names_it(checkout):
    done = checkout({"Seal.Runs": "run", "Seal.Skips": "notrun"}, HVIT_EDGE_REQUIRE_ALL="1")
    assert done.returncode == 1
    assert "expected the test Seal.Skips of build/threads to run, got a skip" in done.stderr


def test_a_skip_is_no_error_while_working(checkout):
    assert checkout({"Seal.Skips": "notrun"}).returncode == 0


def test_what_may_be_skipped_is_in_a_list(checkout):
    allowed = "CApiMemory.OpeningReportsThatItRanOut"
    assert checkout({allowed: "notrun"}, HVIT_EDGE_REQUIRE_ALL="1").returncode == 0


def test_a_test_that_fails_fails(checkout):
    assert checkout({"Seal.Runs": "run"}, STATUS="8").returncode == 8

"""The small runner for this machine finds the same instruction sets as the full one."""

import json
import platform
import subprocess

import pytest

from hvit_edge.devices.bundle import PROGRAM, SMALL, find_bundle


def facts_of(program) -> dict:
    done = subprocess.run([program, "facts"], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


@pytest.mark.slow
def test_the_runners_find_the_same_processor():
    small = SMALL / platform.machine() / PROGRAM
    if not small.is_file():
        pytest.skip("no small runner for this machine: make static-runner builds it")
    (full, _), *_ = find_bundle(platform.machine(), full=True)
    assert facts_of(small)["features"]
    assert facts_of(small) == facts_of(full)

"""Whether what ran on a device has ended, and what programs take on aarch64 in QEMU."""

import json
import os
import select
import shutil

import pytest

from hvit_edge.devices.bundle import BUILT, CHECKOUT, PROGRAM

BASELINE = CHECKOUT / "benchmarks/results/arm.json"
GROWTH = 0.02  # a count repeats to less than 0.001

PATIENCE = 20  # seconds that a process may take to end


@pytest.fixture
def gone():
    """Whether the process of a number has ended; kills it where it has not after all."""
    return _gone


def _gone(pid: int) -> bool:
    """Wait until it has; False where it still runs after all, and kill it then."""
    try:
        process = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        if select.select([process], [], [], PATIENCE)[0]:
            return True
        os.kill(pid, 9)
        return False
    finally:
        os.close(process)


@pytest.fixture(scope="session")
def arm_build():
    """The runner for aarch64, and what runs it."""
    runner = CHECKOUT / BUILT["aarch64"] / PROGRAM
    if shutil.which("qemu-aarch64") is None or not runner.is_file():
        pytest.skip("needs make arm")


@pytest.fixture(scope="session")
def has_not_grown():
    """`(model, precision, count)`: whether that many instructions are no more than the committed.

    Where they fall, benchmarks/arm.py takes the lower count; half of it would be no whole network.
    """

    def check(model: str, precision: str, count: int) -> bool:
        rows = json.loads(BASELINE.read_text())["rows"]
        wanted = {"model": model, "precision": precision, "device": "qemu:cortex-a76"}
        (row,) = [row for row in rows if wanted.items() <= row.items()]
        expected = row["instructions"]["total"]
        return expected * 0.5 < count < expected * (1 + GROWTH)

    return check

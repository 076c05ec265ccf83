"""Fixtures that check if processes have ended, and count instructions on aarch64 in QEMU."""

import json
import os
import select
import shutil

import pytest

from hvit_edge.devices import Runner, open_device
from hvit_edge.devices.bundle import BUILT, CHECKOUT, PROGRAM, SMALL, VARIABLE

BASELINE = CHECKOUT / "benchmarks/results/arm.json"
GROWTH = 0.02  # a count repeats to less than 0.001

PATIENCE = 20  # seconds that a process may take to end


@pytest.fixture
def gone():
    """Return a check that a process has ended; it kills a process that has not."""
    return _gone


def _gone(pid: int) -> bool:
    """Wait until the process ends; if it does not, kill it and return False."""
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
def rounding() -> float:
    """Return how much an output on a device of this machine may differ from the binding's.

    XNNPACK is the same library in both. Native kernels are compiled by zig there and by GCC here,
    and their sums of the small network are about one.
    """
    return 1e-6 if os.environ.get("HVIT_EDGE_RUNTIME") == "small" else 0.0


@pytest.fixture(scope="session")
def arm_build():
    """Check that the runner for aarch64 is built and can run."""
    runner = CHECKOUT / BUILT["aarch64"] / PROGRAM
    if shutil.which("qemu-aarch64") is None or not runner.is_file():
        pytest.skip("needs make arm")


@pytest.fixture(scope="session")
def static_build():
    """Return the small runner for aarch64, a static file; check that it is built and can run."""
    runner = SMALL / "aarch64" / PROGRAM
    if shutil.which("qemu-aarch64") is None or not runner.is_file():
        pytest.skip("needs make static-runner")
    return runner


@pytest.fixture
def full_runners(arm_build, tmp_path):
    """Return a folder for HVIT_EDGE_RUNNERS that has the runner with ExecuTorch for aarch64."""
    runners = tmp_path / "runners"
    runners.mkdir()
    (runners / "aarch64").symlink_to(CHECKOUT / BUILT["aarch64"])
    return runners


@pytest.fixture
def full_runner(full_runners, monkeypatch):
    """`address -> Runner` on aarch64 with ExecuTorch, also for native programs."""

    def find(address: str) -> Runner:
        runner = Runner(open_device(address))
        with monkeypatch.context() as changed:
            changed.setenv(VARIABLE, str(full_runners))
            runner.facts()  # the first call looks for the program
        return runner

    return find


@pytest.fixture(scope="session")
def has_not_grown():
    """Return the check `(model, precision, count)` that a count is not above the committed one.

    If counts fall, benchmarks/arm.py records the lower ones. A count below half of the committed
    one cannot be from the complete network.
    """

    def check(model: str, precision: str, count: int) -> bool:
        rows = json.loads(BASELINE.read_text())["rows"]
        wanted = {"model": model, "precision": precision, "device": "qemu:cortex-a76"}
        (row,) = [row for row in rows if wanted.items() <= row.items()]
        expected = row["instructions"]["total"]
        return expected * 0.5 < count < expected * (1 + GROWTH)

    return check

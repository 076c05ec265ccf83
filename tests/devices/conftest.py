"""Whether what ran on a device has ended."""

import os
import select

import pytest

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

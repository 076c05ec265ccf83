"""If the address space is too small, there is always an error message, never a signal."""

import platform
import resource
import subprocess

import pytest

import hvit_edge
from hvit_edge.devices.bundle import find_bundle

MIB = 1 << 20
STEP = MIB // 4


def limited(command: list, limit: int) -> subprocess.CompletedProcess:
    def lower() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))

    return subprocess.run(command, preexec_fn=lower, capture_output=True, text=True)


@pytest.mark.slow
@pytest.mark.skipif(platform.system() != "Linux", reason="macOS does not limit address spaces")
def test_every_limit_gives_a_reason(tmp_path, record_property):
    model = hvit_edge.compile("mobilevit_xxs", weights="cifar10", output=tmp_path / "a.pte").path
    (program, _), *_ = find_bundle(platform.machine(), full=True)
    starts = next(n for n in range(512) if limited([program, "facts"], n * MIB).returncode == 0)
    command = [program, "self-test", "--threads", "1", model]
    refused = set()
    for limit in range(starts * MIB, 1024 * MIB, STEP):
        done = limited(command, limit)
        if done.returncode == 0:
            break
        assert done.returncode > 0, f"{limit}: signal {-done.returncode}\n{done.stderr}"
        assert "memory" in done.stderr, done.stderr
        refused.add(done.stderr.partition("]")[0])
    assert done.returncode == 0
    assert "[Session.load" in refused
    record_property("measured", f"least address space: {limit / MIB:.2f} MiB; refused: {refused}")

"""The small runner for aarch64, which `make static-runner` puts into the package, in QEMU."""

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest

from hvit_edge.devices import Runner, bundle, open_device, qemu
from hvit_edge.devices.bundle import BUILT, CHECKOUT, PROGRAM, SMALL, find_bundle
from hvit_edge.errors import ArtifactError, InputError
from hvit_edge.profile.instructions import PLUGIN, instructions_of
from hvit_edge.runtime import Session

A76, A53 = "qemu:cortex-a76", "qemu:cortex-a53"  # with and without float16 and dot products
DATA = CHECKOUT / "cpp/tests/data"
PROGRAMS = ("native_v1.pte", "native_half_v1.pte", "native_tensors_v2.pte")
LIMIT = 1_500_000  # bytes

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("static_build")]


@pytest.fixture
def no_libraries(monkeypatch):
    """A machine without the libraries of the cross compiler."""
    monkeypatch.setattr(qemu, "LIBRARIES", Path("/nowhere"))


def test_it_is_one_small_file(static_build, record_property):
    assert find_bundle("aarch64") == [(static_build, PROGRAM)]
    content = static_build.read_bytes()
    assert qemu.LOADER not in content
    record_property("measured", f"static runner for aarch64: {len(content) / 1e6:.2f} MB")
    assert len(content) <= LIMIT


def test_the_one_for_desktops_is_as_small(record_property):
    """It has kernels for three instruction sets, each for float32 and float16."""
    runner = SMALL / "x86_64" / PROGRAM
    if not runner.is_file():
        pytest.skip("needs make static-runner")
    size = runner.stat().st_size
    record_property("measured", f"static runner for x86_64: {size / 1e6:.2f} MB")
    assert size <= LIMIT


@pytest.mark.usefixtures("no_libraries")
@pytest.mark.parametrize("address", [A76, A53])
def test_it_needs_nothing_else(address):
    runner = Runner(open_device(address))
    facts = runner.facts()
    assert (facts.architecture, facts.system) == ("aarch64", "Linux")
    assert ("asimddp" in facts.features) == (address == A76)
    assert runner.check_pixels()["instruction_sets"] == ["neon", "scalar"]
    for name in PROGRAMS:
        assert runner.self_test(DATA / name, threads=2)["passed"], name


@pytest.mark.parametrize("address", [A76, A53])
@pytest.mark.parametrize("name", PROGRAMS)
def test_outputs_are_those_of_the_full_runner(name, address, full_runner):
    inputs = Session(DATA / name, prepare=False).inputs
    random = np.random.default_rng(0)
    rows = [tuple((3 * random.random(i.shape)).astype(i.dtype) for i in inputs) for _ in range(2)]
    outputs = Runner(open_device(address)).run_arrays(DATA / name, rows)
    expected = full_runner(address).run_arrays(DATA / name, rows)
    for mine, full in zip(outputs, expected, strict=True):
        for a, b in zip(mine, full, strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("name", ["native_v1.pte", "native_half_v1.pte"])
def test_its_instructions_are_counted_by_operator(name, arm_build):
    counted = instructions_of(DATA / name, A76)
    assert sum(counted.kernels.values()) == counted.total
    assert counted.groups["runner"] == counted.total  # it has no libraries
    assert counted.unknown == ()
    assert all(count > 0 for _, count in counted.operators)


def test_it_starts_in_fewer_instructions(static_build, arm_build, tmp_path, record_property):
    small, full = (
        _instructions_to_start(runner, tmp_path / "count.json")
        for runner in (static_build, CHECKOUT / BUILT["aarch64"] / PROGRAM)
    )
    record_property("measured", f"start: {small / 1e3:.0f} k instructions, full {full / 1e3:.0f} k")
    assert 0 < small < full / 2


def _instructions_to_start(runner: Path, counted: Path) -> int:
    """Count from the start of the process to the first inference, with a tiny program."""
    plugin = f"{PLUGIN},out={counted},start=on"
    command = ["qemu-aarch64", "-L", str(qemu.LIBRARIES), "-cpu", "cortex-a76", "-plugin", plugin]
    command += [str(runner), "count", "--warmup", "0", str(DATA / PROGRAMS[0])]
    subprocess.run(command, capture_output=True, check=True)
    return json.loads(counted.read_text())["instructions"]


def test_programs_for_xnnpack_need_the_full_runner(monkeypatch, static_build):
    with monkeypatch.context() as changed:
        changed.setattr(bundle, "CHECKOUT", Path("/nowhere"))
        with pytest.raises(InputError, match="with ExecuTorch, because .* compile with target="):
            Runner(open_device(A76)).self_test(DATA / "tiny_v1.pte")
    monkeypatch.setenv("HVIT_EDGE_RUNNERS", str(static_build.parents[1]))
    expected = r"\[Session.load\] expected the backend XnnpackBackend, .* the target native"
    with pytest.raises(ArtifactError, match=expected):
        Runner(open_device(A76)).self_test(DATA / "tiny_v1.pte")

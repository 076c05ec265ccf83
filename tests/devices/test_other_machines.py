"""The small runner for 32-bit Arm, which `make other-machines` builds, in QEMU."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from hvit_edge.devices import Runner
from hvit_edge.devices.bundle import CHECKOUT, PROGRAM, VARIABLE
from hvit_edge.devices.device import Device
from hvit_edge.devices.qemu import Qemu
from hvit_edge.errors import ArtifactError
from hvit_edge.runtime import Session

EMULATORS = {"armv7l": ["qemu-arm"]}
RUNNERS = CHECKOUT / "build/runners"
DATA = CHECKOUT / "cpp/tests/data"
PROGRAMS = {  # rtol of the largest output
    "native_v1.pte": 1e-6,
    "native_half_v1.pte": 2e-3,  # float16 in memory
    "native_tensors_v2.pte": 1e-6,
}
PIXELS = {"armv7l": ["scalar"]}

pytestmark = pytest.mark.nightly


class Guest(Qemu):
    """A machine of another architecture, with QEMU's default CPU."""

    def __init__(self, machine: str, folder: Path) -> None:
        Device.__init__(self)
        self.name = machine
        self._command = EMULATORS[machine]
        self._own = folder

    def architecture(self) -> str:
        return self.name


@pytest.fixture(params=EMULATORS)
def runner(request, monkeypatch, tmp_path):
    machine = request.param
    emulator = shutil.which(EMULATORS[machine][0])
    if emulator is None or not (RUNNERS / machine / PROGRAM).is_file():
        pytest.skip("needs make other-machines")
    monkeypatch.setenv(VARIABLE, str(RUNNERS))
    return Runner(Guest(machine, tmp_path))


def test_it_describes_the_machine(runner):
    facts = runner.facts()
    assert (facts.architecture, facts.system) == (runner.device.name, "Linux")
    assert runner.check_pixels()["instruction_sets"] == PIXELS[runner.device.name]


@pytest.mark.parametrize("name", PROGRAMS)
def test_programs_pass_their_self_test_and_agree_with_this_machine(name, runner):
    assert runner.self_test(DATA / name, threads=2)["passed"]
    session = Session(DATA / name)
    random = np.random.default_rng(0)
    arrays = tuple((3 * random.random(i.shape)).astype(i.dtype) for i in session.inputs)
    ((*outputs,),) = runner.run_arrays(DATA / name, [arrays])
    for mine, here in zip(outputs, session(*arrays), strict=True):
        np.testing.assert_allclose(mine, here, atol=PROGRAMS[name] * np.abs(here).max(), rtol=0)


def test_a_file_that_was_cut_is_refused(runner, tmp_path):
    short = tmp_path / "short.pte"
    short.write_bytes((DATA / "native_v1.pte").read_bytes()[:-40])
    with pytest.raises(ArtifactError) as here:
        Session(short)
    with pytest.raises(ArtifactError) as there:
        runner.self_test(short)
    assert str(here.value) in str(there.value)

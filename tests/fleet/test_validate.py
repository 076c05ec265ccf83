import json

import numpy as np
import pytest

from hvit_edge.cli import main
from hvit_edge.devices import Facts
from hvit_edge.devices.bundle import CHECKOUT
from hvit_edge.errors import DeviceError, InputError
from hvit_edge.fleet import validate as fleet
from hvit_edge.fleet import validate_fleet
from hvit_edge.runtime import Session

DATA = CHECKOUT / "cpp/tests/data"
ARTIFACT = DATA / "native_v1.pte"
FACTS = Facts("aarch64", "Linux", "Cortex-A76", (), 4, 4, 2**30, "0.1.0")


class StubRunner:
    """Computes on this machine; the address says what goes wrong: "ssh://wrong", "ssh://gone"."""

    def __init__(self, device):
        self.device = device

    def facts(self):
        return FACTS

    def run_arrays(self, artifact, samples, *, threads=0):
        if self.device.endswith("gone"):
            raise DeviceError("[device] expected to reach it, got: no route; switch it on")
        session = Session(artifact)
        outputs = [tuple(np.copy(one) for one in session(*arrays)) for arrays in samples]
        if self.device.endswith("wrong"):
            outputs = [tuple(np.roll(one, 1, axis=-1) for one in row) for row in outputs]
        return outputs


@pytest.fixture(autouse=True)
def stubs(monkeypatch):
    monkeypatch.setattr(fleet, "open_device", lambda address: address)
    monkeypatch.setattr(fleet, "Runner", StubRunner)


@pytest.mark.parametrize(
    "name", ["native_v1.pte", "native_segment_v2.pte", "native_tensors_v2.pte"]
)
def test_devices_that_answer_like_this_machine_pass(name):
    report = validate_fleet(DATA / name, ["ssh://a", "ssh://b"])
    assert report.passed and not report.unreachable
    for one in report.devices:
        assert (one.passed, one.odd, one.cpu) == (True, False, "Cortex-A76")
        assert one.difference.max_abs == 0
    classes = 1.0 if name == "native_v1.pte" else None
    assert report.devices[0].top1_agree == classes


def test_a_device_with_other_answers_is_named(capsys):
    devices = "ssh://a,ssh://wrong,ssh://b"
    report = validate_fleet(ARTIFACT, devices.split(","))
    assert [one.odd for one in report.devices] == [False, True, False]
    assert [one.passed for one in report.devices] == [True, False, True]
    assert main(["validate", str(ARTIFACT), "--device", devices]) == 3
    shown = capsys.readouterr().out
    assert "Answers differently from the rest: ssh://wrong" in shown
    assert shown.count("DIFFERS") == 1


def test_a_device_that_is_gone_does_not_stop_the_others(capsys, tmp_path):
    arguments = ["--device", "ssh://gone,ssh://b", "--logs", str(tmp_path), "--format", "json"]
    assert main(["validate", str(ARTIFACT), *arguments]) == 5
    gone, other = json.loads(capsys.readouterr().out)["devices"]
    assert gone["error"].startswith("[device] expected to reach it") and not gone["passed"]
    assert other["passed"] and not other["error"]
    assert "no route" in (tmp_path / "ssh---gone.log").read_text()
    assert "aarch64 Cortex-A76, 4 cores" in (tmp_path / "ssh---b.log").read_text()


def test_the_tolerance_can_be_given():
    report = validate_fleet(ARTIFACT, ["ssh://wrong"], rtol=10.0)
    (one,) = report.devices
    assert not one.passed and one.top1_agree < 1  # the top classes still differ


def test_packages_are_refused():
    with pytest.raises(InputError, match=r"expected a \.pte file for devices, got the package"):
        validate_fleet("a.mlpackage", ["ssh://a"])


def test_options_for_one_device_are_refused(capsys):
    several = ["--device", "ssh://a,ssh://b"]
    assert main(["validate", str(ARTIFACT), "--bisect", *several]) == 2
    assert "expected one device for --bisect, got ssh://a,ssh://b" in capsys.readouterr().err
    assert main(["bench", str(ARTIFACT), "--count-instructions", *several]) == 2
    assert "expected one device for --count-instructions" in capsys.readouterr().err

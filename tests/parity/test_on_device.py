"""`validate` with a device: the runner of this machine, called through its shell."""

import importlib

import numpy as np
import pytest

from hvit_edge.devices import LOCAL, Runner
from hvit_edge.errors import InputError
from hvit_edge.parity import validate


@pytest.fixture
def device(monkeypatch, tmp_path, shell):
    """Return the device that `open_device` returns for any address."""
    device = shell(tmp_path / "device")
    module = importlib.import_module("hvit_edge.parity.validate")  # the attribute is the function
    monkeypatch.setattr(module, "open_device", lambda address: device)
    return device


def test_a_step_of_its_own(device, tiny_artifact, tiny_model):
    seen = []
    report = validate(
        tiny_artifact, model=tiny_model, device="any", progress=lambda *n: seen.append(n)
    )
    assert report.passed
    assert [step.name for step in report.steps][-2:] == ["runtime", "device"]
    runtime, there = report.steps[-2:]
    assert there.difference == runtime.difference
    assert report.device.name == "shell"
    assert report.device.against_host.max_abs == 0
    assert report.device.top1_agreement == 1
    found = report.to_dict()["device"]
    assert found["against_host"]["top1_agree"] == 1
    assert found["cores"] == Runner(device).facts().cores
    assert seen[-1] == (4, 4)


def test_another_top_class_than_here_breaks(device, tiny_artifact, tiny_model, monkeypatch):
    def wrong(self, artifact, inputs, **options):
        return [np.eye(1, 5, dtype=np.float32) * 1e3 * (-1) ** i for i in range(len(inputs))]

    monkeypatch.setattr(Runner, "run", wrong)
    report = validate(tiny_artifact, model=tiny_model, device="any")
    assert not report.passed
    assert report.first_break == "device"
    assert report.device.top1_agreement < 1


def test_no_device_no_step(tiny_artifact, tiny_model):
    report = validate(tiny_artifact, model=tiny_model, device=LOCAL)
    assert report.device is None
    assert report.to_dict()["device"] is None
    assert report.steps[-1].name == "runtime"


def test_packages_stay_here(device, tmp_path):
    with pytest.raises(
        InputError, match=r"\[validate\] expected a .pte file for any, got the pack"
    ):
        validate(tmp_path / "a.mlpackage", device="any")


def test_unknown_device(tiny_artifact):
    with pytest.raises(InputError, match=r"\[device\] expected local, qemu:CPU"):
        validate(tiny_artifact, device="phone")

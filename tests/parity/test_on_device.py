"""`validate` with a device: the runner of this machine, called through its shell."""

import importlib

import numpy as np
import pytest
import torch
from torch import nn

import hvit_edge
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


class Pair(nn.Module):
    """Returns floats, and integers that depend on them."""

    def __init__(self):
        super().__init__()
        self.x = nn.Linear(5, 4)

    def forward(self, x, keep):
        sums = self.x(x) * keep
        return {"sums": sums, "largest": sums.argmax(-1)}


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """Return a module of two inputs and two outputs, and its artifact."""
    torch.manual_seed(0)
    module = Pair().eval()
    inputs = {"x": torch.randn(2, 5), "keep": torch.tensor([True, True, False, True])}
    path = tmp_path_factory.mktemp("pair") / "a.pte"
    return module, hvit_edge.compile(module, inputs=inputs, output=path).path


def test_every_output_of_an_artifact_of_arrays(device, pair):
    module, path = pair
    report = validate(path, model=module, device="any")
    assert report.passed
    runtime, there = report.steps[-2:]
    assert (runtime.name, there.name) == ("runtime", "device")
    assert [one.name for one in there.outputs] == ["sums", "largest"]
    assert [one.difference for one in there.outputs] == [o.difference for o in runtime.outputs]
    assert report.device.against_host.max_abs == 0


def test_a_wrong_output_of_an_artifact_of_arrays_breaks(device, pair, monkeypatch):
    run = Runner.run_arrays

    def wrong(self, *given, **options):
        return [(sums, largest + 1) for sums, largest in run(self, *given, **options)]

    monkeypatch.setattr(Runner, "run_arrays", wrong)
    report = validate(pair[1], model=pair[0], device="any")
    assert report.first_break == "device"
    assert [one.passed for one in report.steps[-1].outputs] == [True, False]
    assert report.device.against_host.max_abs == 1


def test_packages_stay_here(device, tmp_path):
    with pytest.raises(
        InputError, match=r"\[validate\] expected a .pte file for any, got the pack"
    ):
        validate(tmp_path / "a.mlpackage", device="any")


def test_unknown_device(tiny_artifact):
    with pytest.raises(InputError, match=r"\[device\] expected local, qemu:CPU"):
        validate(tiny_artifact, device="phone")

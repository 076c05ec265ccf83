"""`--device` of every verb that has it, with the runner of this machine in its own shell."""

import importlib
import json

import numpy as np
import pytest
from PIL import Image

from hvit_edge import devices
from hvit_edge.cli import main
from hvit_edge.devices import address


@pytest.fixture(autouse=True)
def device(monkeypatch, tmp_path, shell):
    """Return the device that every address opens."""
    device = shell(tmp_path / "device")

    for name in ("devices", "profile.bench", "parity.validate"):
        module = importlib.import_module(f"hvit_edge.{name}")
        monkeypatch.setattr(module, "open_device", lambda address: device)
    return device


def answer(capsys, *arguments):
    assert main([*map(str, arguments), "--device", "any", "--format", "json"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    return json.loads(out)


def test_run(artifact, photo, capsys):
    there = answer(capsys, "run", artifact, photo, "--self-test")
    assert main(["run", str(artifact), str(photo), "--self-test", "--format", "json"]) == 0
    here = json.loads(capsys.readouterr().out)
    assert there["backend"] == "C++ runtime on shell"
    assert there["self_test"]["passed"]
    for found, expected in zip(
        there["results"][0]["predictions"], here["results"][0]["predictions"], strict=True
    ):
        assert found == {**expected, "score": pytest.approx(expected["score"], abs=1e-6)}


def test_validate(artifact, capsys):
    report = answer(capsys, "validate", artifact)
    assert report["passed"]
    assert report["steps"][-1]["name"] == "device"
    assert report["device"]["against_host"]["top1_agree"] == 1


def test_eval(artifact, photo, tmp_path, capsys):
    with Image.open(photo) as image:
        crops = [np.asarray(image.crop((8 * i, 0, 8 * i + 64, 64))) for i in range(5)]
    np.savez(tmp_path / "d.npz", images=np.stack(crops), labels=np.arange(5))
    arguments = ("eval", artifact, tmp_path / "d.npz", "--batch", "2")
    there = answer(capsys, *arguments, "--against-eager")
    assert (there["backend"], there["images"]) == ("C++ runtime on shell", 5)
    assert there["agreement"] == 1
    assert main([*map(str, arguments), "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["top1"] == there["top1"]


def test_bench(artifact, capsys):
    report = answer(capsys, "bench", artifact, "--iterations", "2", "--warmup", "0")
    assert (report["device"], report["instructions"]) == ("any", None)
    assert report["latency_ms"]["p50"] > 0
    assert report["peak_memory_mib"] > 1


def test_instructions_are_counted_in_qemu_only(artifact, capsys):
    arguments = ["bench", str(artifact), "--count-instructions", "--device", "any"]
    assert main(arguments) == 2
    assert "expected --device qemu:CPU to count instructions, got any" in capsys.readouterr().err


def test_out_of_reach(artifact, photo, device, capsys):
    device.before = "echo no route to host >&2; exit 255; "
    for verb in (["run", photo], ["validate"], ["bench"]):
        assert main([verb[0], str(artifact), *map(str, verb[1:]), "--device", "any"]) == 5
        err = capsys.readouterr().err
        assert "[device] expected to reach shell, got: no route to host" in err


def test_a_form_that_is_none(artifact, photo, monkeypatch, capsys):
    monkeypatch.setattr(devices, "open_device", address.open_device)
    assert main(["run", str(artifact), str(photo), "--device", "phone"]) == 2
    assert "expected local, qemu:CPU" in capsys.readouterr().err

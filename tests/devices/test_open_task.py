"""Artifacts that embed, segment and detect run on a device; their answers are computed here."""

import json
from pathlib import Path

import numpy as np
import pytest

import hvit_edge
from hvit_edge.cli import main
from hvit_edge.devices import DeviceClassifier, Runner, open_task
from hvit_edge.errors import ArtifactError, InputError
from hvit_edge.weights import bundled_photos

DATA = Path(__file__).parents[2] / "cpp/tests/data"
KINDS = {
    "embed": hvit_edge.Embedder,
    "segment": hvit_edge.Segmenter,
    "detect": hvit_edge.Detector,
}


@pytest.fixture
def device(tmp_path, shell, monkeypatch):
    """Let any address open the runner of this machine, called through its shell."""
    runs = shell(tmp_path / "device")
    monkeypatch.setattr("hvit_edge.devices.open_device", lambda address: runs)
    return "ssh://somewhere"


@pytest.mark.parametrize("task", KINDS)
def test_answers_are_those_of_this_machine(task, device):
    path = DATA / f"native_{task}_v2.pte"
    here, there = KINDS[task](path), open_task.open_task(path, device=device)
    assert there.backend == "C++ runtime on shell"
    assert there.self_test().passed
    assert (there.metadata, there.classes) == (here.metadata, getattr(here, "classes", 0))
    photo = bundled_photos()[0]
    for one, other in zip(here.outputs(photo), there.outputs(photo), strict=True):
        assert one == pytest.approx(other, abs=1e-5)
    if task == "embed":
        assert there(photo) == pytest.approx(here(photo), abs=1e-6)
    elif task == "segment":
        assert np.mean(there(photo).classes != here(photo).classes) < 1e-3
    else:
        found, expected = there(photo), here(photo)
        assert [box.index for box in found] == [box.index for box in expected]
        assert [box.score for box in found] == pytest.approx([b.score for b in expected], abs=1e-5)


def test_run_on_a_device(device, capsys):
    photo = str(bundled_photos()[0])
    command = ["run", str(DATA / "native_segment_v2.pte"), photo, "--device", device]
    assert main(command) == 0
    assert capsys.readouterr().out.startswith("backend: C++ runtime on shell\n")
    assert main([*command, "--self-test", "--format", "json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["self_test"]["passed"] is True and report["results"][0]["segments"]


def test_other_tasks_are_named(shell, tmp_path):
    with pytest.raises(ArtifactError, match="task segment: .*; use Segmenter, or `hvit-edge run`"):
        DeviceClassifier(DATA / "native_segment_v2.pte", Runner(shell(tmp_path / "device")))
    with pytest.raises(InputError, match="got one of the task classify"):
        open_task.open_task(DATA / "native_v1.pte")
    with pytest.raises(InputError, match="got the package x.mlpackage: the runner has no Core ML"):
        open_task.open_task("x.mlpackage", device="qemu:cortex-a76")
    with pytest.raises(InputError, match="expected none for the package x.mlpackage"):
        open_task.open_task("x.mlpackage", method="x")
    with pytest.raises(InputError, match="expected none with the task segment"):
        open_task.open_task(DATA / "native_segment_v2.pte", method="x")

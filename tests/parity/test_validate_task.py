"""Artifacts that embed, segment and detect are compared with their modules, down to the answers."""

import json
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

import hvit_edge
from hvit_edge.cli import main
from hvit_edge.errors import InputError
from hvit_edge.evaluate.task_answers import eager_answers
from hvit_edge.parity.answer_agreement import compare_answers
from hvit_edge.parity.validate import validate
from hvit_edge.preprocess import Preprocess
from hvit_edge.runtime import Detection, Mask
from hvit_edge.runtime.decode import decode
from hvit_edge.tasks import Detect
from hvit_edge.weights import bundled_photos

PHOTOS = Preprocess((32, 48), resize_size=56)
ANCHORS = np.random.default_rng(0).uniform(0.2, 0.8, (24, 4)).astype(np.float32)
LABELS = {"segment": ("background", "cat", "dog"), "detect": ("cat", "dog"), "embed": ()}
SOURCE = """
import torch
from PIL import Image
from torch import nn

class Tiny(nn.Module):
    def __init__(self, task):
        super().__init__()
        torch.manual_seed(3)
        self.task = task
        self.stem = nn.Conv2d(3, 8, 8, stride=8)
        self.head = nn.Conv2d(8, 7 if task == "detect" else 3, 1)
        with torch.no_grad():
            self.head.weight.mul_(8)

    def forward(self, x):
        x = self.head(torch.relu(self.stem(x)))
        if self.task == "embed":
            return x.mean((2, 3))
        if self.task == "segment":
            return x
        rows = x.permute(0, 2, 3, 1).reshape(1, 24, 7)
        return rows[..., :3], rows[..., 3:]

def make(task="segment"):
    return Tiny(task).eval()
"""
TASKS = {"embed": "embed", "segment": "segment", "detect": Detect(ANCHORS, score_threshold=0.2)}


def module_of(task: str) -> nn.Module:
    names: dict = {}
    exec(SOURCE, names)  # the same module as in a user's file
    return names["make"](task)


@pytest.fixture(scope="module")
def artifacts(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tasks")
    for name, task in TASKS.items():
        hvit_edge.compile(
            module_of(name),
            task=task,
            target="native",
            preprocess=PHOTOS,
            labels=LABELS[name] or None,
            output=folder / f"{name}.pte",
        )
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("task", TASKS)
def test_every_output_and_the_answers_agree(artifacts, task):
    report = validate(artifacts / f"{task}.pte", model=module_of(task))
    assert report.passed
    assert (report.task, report.images) == (task, len(bundled_photos()))
    assert [step.name for step in report.steps] == ["exported", "rewritten", "runtime"]
    names = [output.name for output in report.steps[-1].outputs]
    expected = {"embed": ["embedding"], "segment": ["logits"], "detect": ["logits", "offsets"]}
    assert names == expected[task]
    answers = report.answers
    assert answers.worst > 0.999
    if task == "detect":
        assert answers.expected == answers.found == answers.matched > 0
        assert answers.worst_iou > 0.999


@pytest.mark.slow
def test_the_answers_are_those_of_the_runtime(artifacts):
    """PyTorch's answer, decoded in numpy, is that of the C++ runtime."""
    photo = bundled_photos()[0]
    pixels = hvit_edge.load_image(photo)
    for task, kind in (
        ("embed", hvit_edge.Embedder),
        ("segment", hvit_edge.Segmenter),
        ("detect", hvit_edge.Detector),
    ):
        path = artifacts / f"{task}.pte"
        here, there = kind(path)(photo), eager_answers(path, model=module_of(task))(pixels)
        if task == "embed":
            assert here == pytest.approx(there, abs=1e-6)
        elif task == "segment":
            assert np.mean(here.classes != there.classes) < 1e-4
            assert (here.labels, here.colors) == (there.labels, there.colors)
        else:
            assert len(here) == len(there) > 0
            for one, other in zip(here, there, strict=True):
                assert (one.label, one.index) == (other.label, other.index)
                assert one.score == pytest.approx(other.score, abs=1e-5)
                sides = ("x", "y", "width", "height")
                places = [[getattr(b, side) for side in sides] for b in (one, other)]
                assert places[0] == pytest.approx(places[1], abs=0.01)


@pytest.mark.slow
def test_a_changed_module_is_refused(artifacts):
    other = module_of("segment")
    with torch.no_grad():
        other.head.weight.add_(1)
    with pytest.raises(InputError, match="expected the weights that the artifact was made from"):
        validate(artifacts / "segment.pte", model=other)


@pytest.mark.slow
def test_the_command_line(artifacts, tmp_path, capsys):
    file = tmp_path / "tiny.py"
    file.write_text(SOURCE)
    path = tmp_path / "detect.pte"
    hvit_edge.compile(
        f"{file}:make",
        args={"task": "detect"},
        task=TASKS["detect"],
        target="native",
        preprocess=PHOTOS,
        labels=LABELS["detect"],
        output=path,
    )
    command = ["validate", str(path), "--model", f"{file}:make"]
    assert main([*command, "--format", "json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["answers"]["measure"] == "matched boxes"
    assert report["answers"]["matched"] == report["answers"]["expected"]
    assert main(command) == 0
    text = capsys.readouterr().out
    assert "matched boxes" in text and "lowest IoU" in text and "offsets" in text
    assert "top-1" not in text


@pytest.mark.slow
def test_a_device_runs_every_output(artifacts, shell, tmp_path, monkeypatch):
    device = shell(tmp_path / "device")
    module = sys.modules["hvit_edge.parity.validate"]  # the package has a function of this name
    monkeypatch.setattr(module, "open_device", lambda address: device)
    report = validate(artifacts / "detect.pte", model=module_of("detect"), device="ssh://there")
    assert report.passed and report.steps[-1].name == "device"
    assert [one.name for one in report.steps[-1].outputs] == ["logits", "offsets"]
    assert report.answers.matched == report.answers.expected > 0


@pytest.mark.slow
@pytest.mark.parametrize("task", ["segment", "detect"])
def test_packages(task, tmp_path, capsys):
    path = tmp_path / f"{task}.mlpackage"
    hvit_edge.compile(
        module_of(task),
        task=TASKS[task],
        target="coreml",
        precision="fp32",
        preprocess=PHOTOS,
        labels=LABELS[task],
        output=path,
    )
    report = validate(path, model=module_of(task))
    assert report.passed and report.backend == "reference evaluator"
    assert report.answers.worst > 0.999
    photo = str(bundled_photos()[0])
    assert main(["run", str(path), photo, "--self-test"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("backend: reference evaluator\nself test passed")
    assert main(["inspect", str(path)]) == 0
    assert f"{task}: a photo to" in capsys.readouterr().out


@pytest.mark.slow
def test_eval_against_eager(artifacts, tmp_path, capsys):
    file = tmp_path / "tiny.py"
    file.write_text(SOURCE)
    for folder in ("JPEGImages", "SegmentationClass"):
        (tmp_path / folder).mkdir()
    truth = np.zeros((70, 90), np.uint8)
    truth[20:50, 30:60] = 1
    Image.fromarray(truth).save(tmp_path / "SegmentationClass/a.png")
    pixels = np.random.default_rng(8).integers(0, 255, (70, 90, 3)).astype(np.uint8)
    Image.fromarray(pixels).save(tmp_path / "JPEGImages/a.png")
    command = ["eval", str(artifacts / "segment.pte"), str(tmp_path)]
    assert main([*command, "--against-eager", "--model", f"{file}:make", "--format", "json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["agreement"] > 0.999
    assert report["eager_mean_iou"] == pytest.approx(report["mean_iou"], abs=1e-3)
    assert main([*command, "--against-eager", "--model", f"{file}:make"]) == 0
    text = capsys.readouterr().out
    assert "PyTorch mean IoU" in text and "IoU of both masks" in text


def box(index=1, score=0.9, x=0.0):
    return Detection("", index, score, x, 0.0, 10.0, 10.0)


def mask(*values):
    return Mask(np.array([values], np.uint8), None, (), ())


def test_agreement_of_answers_by_hand():
    names = ["a", "b"]
    boxes = compare_answers("detect", names, [[box(), box(2)], []], [[box(x=1)], []])
    assert (boxes.expected, boxes.found, boxes.matched) == (2, 1, 0)
    assert (boxes.mean, boxes.worst, boxes.worst_image) == (0.5, 0, "a")
    assert boxes.worst_iou == 0  # the second one has no partner
    masks = compare_answers("segment", names, [mask(0, 1), mask(1, 1)], [mask(0, 1), mask(1, 0)])
    assert (masks.worst, masks.worst_image) == (pytest.approx(0.25), "b")
    one = np.array([1.0, 0])
    vectors = compare_answers("embed", names, [one, one], [one, np.array([0.6, 0.8])])
    assert (vectors.measure, vectors.worst) == ("cosine", pytest.approx(0.6))
    assert vectors.mean == pytest.approx(0.8)


@pytest.mark.slow
def test_a_threshold_replaces_that_of_the_artifact(artifacts):
    detector = hvit_edge.Detector(artifacts / "detect.pte")
    photo = bundled_photos()[0]
    outputs, metadata = detector.outputs(photo), detector.metadata
    size = hvit_edge.load_image(photo).shape[:2]
    assert decode(metadata, outputs, *size, score_threshold=1.0) == []
    low = replace(metadata, detect=replace(metadata.detect, score_threshold=0.01))
    found = decode(metadata, outputs, *size, score_threshold=0.01)
    assert found == decode(low, outputs, *size)
    assert len(found) == len(detector(photo, score_threshold=0.01))

"""Compiling modules that embed, segment or detect to Core ML packages."""

import json
import shutil
from functools import cache

import coremltools as ct
import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

import hvit_edge
from hvit_edge.coreml import read_package
from hvit_edge.coreml.photo_package import PhotoPackage
from hvit_edge.coreml.runner import PackageClassifier
from hvit_edge.errors import ArtifactError, InputError
from hvit_edge.inspection.packages import describe_package
from hvit_edge.preprocess import Preprocess, load_image
from hvit_edge.targets.coreml import build
from hvit_edge.tasks import Detect, Embed, Segment
from hvit_edge.tensors.package_session import PackageSession
from hvit_edge.weights import bundled_photos

SIZE, CLASSES, ANCHORS = (24, 32), 4, 6 * 8
PREPROCESS = Preprocess(SIZE, resize_size=36, mean=(0.5, 0.4, 0.3), channel_order="BGR")
BOXES = np.random.default_rng(6).uniform(0.1, 0.9, (ANCHORS, 4)).astype(np.float32)
TASKS = {
    "embed": Embed("none"),
    "segment": Segment(("#000000", "#ff0000", "#00ff00", "#0000ff")),
    "detect": Detect(BOXES, score_threshold=0.25, iou_threshold=0.4, max_detections=9),
}
LABELS = {"embed": None, "segment": ["-", "a", "b", "c"], "detect": ["a", "b", "c"]}
BOUND = {"fp32": 1e-5, "fp16": 5e-3, "w8": 2e-2, "w6": 5e-2, "w4": 0.3, "int8": 5e-2}
"""Largest difference from PyTorch relative to the largest number of an output."""


class Net(nn.Module):
    """A small network with the outputs of each task."""

    def __init__(self, task):
        super().__init__()
        self.task = task
        self.stem = nn.Conv2d(3, 16, 3, 2, 1)
        self.mix = nn.Conv2d(16, 16, 3, 2, 1)
        self.masks = nn.Conv2d(16, CLASSES, 1)
        self.heads = nn.Conv2d(16, 4 + CLASSES, 1)

    def forward(self, x):
        maps = F.relu(self.mix(F.silu(self.stem(x))))
        if self.task == "embed":
            return maps.mean((2, 3))
        if self.task == "segment":
            return {"out": self.masks(maps)}
        rows = self.heads(maps).permute(0, 2, 3, 1).reshape(1, -1, 4 + CLASSES)
        offsets, logits = rows.split((4, CLASSES), dim=-1)
        return logits, offsets


def network(task):
    torch.manual_seed(1)
    return Net(task).eval()


@pytest.fixture(scope="module")
def package(photo_windows, tmp_path_factory):
    """`(task, precision) -> Artifact`; each is compiled once."""

    @cache
    def compiled(task, precision):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(build, "SMALLEST", 16)  # the network's weights are all small
            return hvit_edge.compile(
                network(task),
                task=TASKS[task],
                target="coreml",
                precision=precision,
                calib_data=photo_windows if precision == "int8" else None,
                preprocess=PREPROCESS,
                labels=LABELS[task],
                output=tmp_path_factory.mktemp(task) / f"{precision}.mlpackage",
            )

    return compiled


def expected(task, photo):
    with torch.inference_mode():
        found = network(task)(torch.from_numpy(PREPROCESS(load_image(photo))))
    found = list(found.values()) if isinstance(found, dict) else found
    return [one.numpy() for one in (found if isinstance(found, (list, tuple)) else [found])]


SLOW = {"w6", "w4", "int8"}


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize(
    "precision",
    [pytest.param(p, marks=[pytest.mark.slow] if p in SLOW else []) for p in BOUND],
)
def test_outputs_are_pytorchs(task, precision, package):
    artifact = package(task, precision)
    opened = PhotoPackage(artifact.path)
    assert opened.self_test().passed
    for photo in bundled_photos():
        for one, other in zip(expected(task, photo), opened.outputs(photo), strict=True):
            scale = np.abs(one).max()
            np.testing.assert_allclose(other, one, atol=BOUND[precision] * scale)
            assert other.dtype == np.float32
    steps = [step.name for step in artifact.report.steps]
    assert steps[-1] == "evaluated" and ("fidelity" in steps) == (precision != "fp32")


@pytest.mark.parametrize("task", TASKS)
def test_metadata_are_those_of_the_task(task, package):
    opened = PhotoPackage(package(task, "fp16").path)
    metadata = opened.metadata
    assert (metadata.task, metadata.photo_task) == (task, TASKS[task])
    assert (metadata.schema_version, metadata.target) == (2, "coreml")
    assert metadata.labels == tuple(LABELS[task] or ())
    assert metadata.preprocess == PREPROCESS
    assert [spec.name for spec in opened.specs] == list(TASKS[task].output_names)
    assert opened.golden.image.shape == (*SIZE, 3)
    strings = opened.package.metadata
    assert ("com.apple.coreml.model.preview.type" in strings) == (task == "segment")


def test_inspect_lists_the_outputs_and_the_suppression(package):
    described = {task: describe_package(package(task, "fp16").path) for task in TASKS}
    outputs = {task: [o["name"] for o in each["outputs"]] for task, each in described.items()}
    assert outputs["embed"] == ["embedding"] and sorted(outputs["segment"]) == ["classes", "logits"]
    assert {"logits", "offsets", "raw_confidence", "raw_coordinates"} == set(outputs["detect"])
    suppression = described["detect"]["suppression"]
    assert (suppression["iou_threshold"], suppression["confidence_threshold"]) == (0.4, 0.25)
    assert (suppression["most"], suppression["labels"]) == (9, ["a", "b", "c"])
    assert described["embed"]["suppression"] is None
    json.dumps(suppression)


def test_the_suppression_is_that_of_the_task(package):
    found = read_package(package("detect", "fp16").path).suppression
    assert (found.iou_threshold, found.confidence_threshold, found.most) == (0.4, 0.25, 9)
    assert found.labels == ("a", "b", "c") and found.per_class


def test_boxes_stay_in_float32(package):
    report = package("detect", "fp16").report.to_dict()
    reasons = {each["reason"] for each in report["in_float32"]}
    assert reasons == {"would round boxes to 1/2048 of the photo"}
    assert package("segment", "fp16").report.to_dict()["in_float32"] == []


def test_packages_of_other_tasks_are_refused_by_name(package, apple_package):
    path = package("segment", "fp16").path
    with pytest.raises(ArtifactError, match=r"\[Classifier\] .* one of the task segment"):
        PackageClassifier(path)
    with pytest.raises(ArtifactError, match=r"\[PackageSession\] .* one of the task segment"):
        PackageSession(path)
    with pytest.raises(ArtifactError, match=r"\[PhotoPackage\] .* one of the task classify"):
        PhotoPackage(apple_package("fp16").path)


@pytest.mark.parametrize(
    ("task", "fields", "fault"),
    [
        ("segment", {"hve_input_size": "[24, 31]"}, r"instead of an image of \(24, 31\)"),
        ("segment", {"hve_output_names": "masks"}, "no output masks"),
        ("embed", {"hve_normalize": "l3"}, "damaged field"),
    ],
)
def test_metadata_of_another_program_are_refused(task, fields, fault, package, tmp_path):
    path = shutil.copytree(package(task, "fp16").path, tmp_path / "altered.mlpackage")
    spec = ct.utils.load_spec(str(path))
    spec.description.metadata.userDefined.update(fields)
    model = path / "Data/com.apple.CoreML/model.mlmodel"
    model.write_bytes(spec.SerializeToString())
    with pytest.raises(ArtifactError, match=fault):
        PhotoPackage(path)


def test_another_last_model_is_refused(package, tmp_path):
    path = shutil.copytree(package("detect", "fp16").path, tmp_path / "altered.mlpackage")
    spec = ct.utils.load_spec(str(path))
    model = path / "Data/com.apple.CoreML/model.mlmodel"
    last = spec.pipeline.models[1].nonMaximumSuppression
    last.confidenceInputFeatureName = "scores"
    model.write_bytes(spec.SerializeToString())
    with pytest.raises(ArtifactError, match="expected the outputs scores and raw_coordinates"):
        read_package(path)
    del spec.pipeline.models[1]
    model.write_bytes(spec.SerializeToString())
    with pytest.raises(ArtifactError, match="got pipeline of mlProgram; convert"):
        read_package(path)


def test_coreml_pte_is_refused(tmp_path):
    with pytest.raises(InputError, match="expected one of xnnpack, native, coreml for the task"):
        hvit_edge.compile(
            network("embed"), task="embed", target="coreml-pte", preprocess=PREPROCESS
        )

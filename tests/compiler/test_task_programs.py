"""Modules that embed, segment or detect give the answers of eager PyTorch after compilation."""

import numpy as np
import pytest
import torch
from torch import nn

import hvit_edge
from hvit_edge.errors import ArtifactError, ParityError
from hvit_edge.preprocess import Preprocess, load_image
from hvit_edge.tasks import Detect, Embed, Segment
from hvit_edge.weights import bundled_photos

PHOTOS = Preprocess(
    (32, 48), resize_size=56, mean=(0.4, 0.5, 0.3), std=(0.3, 0.2, 0.4), channel_order="BGR"
)
RTOL = 1e-5  # float32, sums in another order
SIDE = 4 * 6 * 2
"""Number of boxes of the detector: two for each element of its map."""


class Maps(nn.Module):
    """Makes a map of an eighth of the input, and logits of three classes as torchvision does."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(3, 16, 3, stride=4, padding=1), nn.BatchNorm2d(16), nn.ReLU()
        )
        self.body = nn.Conv2d(16, 16, 3, stride=2, padding=2, dilation=2)
        self.head = nn.Conv2d(16, 3, 1)

    def features(self, x):
        return torch.relu(self.body(self.stem(x)))

    def forward(self, x):
        features = self.features(x)
        return {"out": self.head(features), "aux": features}


class Boxes(Maps):
    """Has two boxes of four classes for each element of the map."""

    def __init__(self):
        super().__init__()
        self.head = nn.Conv2d(16, 2 * 8, 1)

    def forward(self, x):
        rows = self.head(self.features(x)).permute(0, 2, 3, 1).reshape(1, -1, 8)
        offsets, logits = rows.split(4, -1)
        return logits, offsets


class Vector(Maps):
    """Averages the map."""

    def forward(self, x):
        return self.features(x).mean((2, 3))


ANCHORS = np.random.default_rng(0).uniform(0.1, 0.9, (SIDE, 4)).astype(np.float32)
TASKS = {
    "embed": (Vector, Embed("none")),
    "segment": (Maps, Segment(["#000000", "#FF0000", (0, 255, 0)])),
    "detect": (Boxes, Detect(ANCHORS, (0.1, 0.25), 0.4, 0.6, 50, 20)),
}
LABELS = {"segment": ("nothing", "cat", "dog"), "detect": ("cat", "dog", "bird"), "embed": ()}


def module_of(task: str) -> nn.Module:
    torch.manual_seed(0)
    module = TASKS[task][0]()
    nn.init.uniform_(module.stem[1].running_var, 0.5, 1.5)
    return module.eval()


def answers(module: nn.Module, photo: np.ndarray) -> list[np.ndarray]:
    """Return the outputs of a task in eager PyTorch, computed by the module itself."""
    with torch.no_grad():
        found = module(torch.from_numpy(PHOTOS(photo)))
    found = found["out"] if isinstance(found, dict) else found
    return [one.numpy() for one in (found if isinstance(found, tuple) else (found,))]


def compiled(task: str, path, **options):
    return hvit_edge.compile(
        module_of(task),
        task=TASKS[task][1],
        preprocess=PHOTOS,
        labels=LABELS[task] or None,
        output=path,
        **options,
    )


@pytest.mark.parametrize("target", ["native", "xnnpack"])
@pytest.mark.parametrize("task", TASKS)
def test_a_program_gives_the_answers_of_the_module(task, target, tmp_path):
    made = compiled(task, tmp_path / "a.pte", target=target, min_delegated=1.0)
    session = hvit_edge.Session(made.path)
    for path in bundled_photos():
        photo = load_image(path)
        expected = answers(module_of(task), photo)
        for output, wanted in zip(session(PHOTOS(photo)), expected, strict=True):
            assert output.shape == wanted.shape and output.dtype == np.float32
            assert np.abs(output - wanted).max() <= RTOL * np.abs(wanted).max()
    assert session.self_test().passed
    report = made.report.to_dict()
    assert (report["task"], report["delegates"], report["ops_outside"]) == (task, 1, [])
    assert [one["name"] for one in report["outputs"]] == list(TASKS[task][1].output_names)
    assert report["parity"]["max_rel"] <= RTOL and report["parity"]["top1_agree"]


@pytest.mark.parametrize("task", TASKS)
def test_an_artifact_says_what_its_program_computes(task, tmp_path):
    metadata = hvit_edge.Session(compiled(task, tmp_path / "a.pte", target="native").path).metadata
    assert (metadata.task, metadata.schema_version) == (task, 2)
    assert metadata.photo_task == TASKS[task][1]
    assert metadata.output_names == TASKS[task][1].output_names
    assert metadata.preprocess == PHOTOS and metadata.labels == LABELS[task]
    assert metadata.labels_source == ("argument" if LABELS[task] else "")
    assert metadata.golden_tolerance == 1e-4


@pytest.mark.parametrize("target", ["native", "xnnpack"])
@pytest.mark.parametrize("precision", ["fp16", "int8", "int8-dynamic"])
def test_lower_precisions_stay_close(precision, target, photo_windows, tmp_path):
    data = photo_windows if precision == "int8" else None
    made = compiled(
        "segment", tmp_path / "a.pte", target=target, precision=precision, calib_data=data
    )
    session = hvit_edge.Session(made.path)
    photo = load_image(bundled_photos()[0])
    (output,), (wanted,) = session(PHOTOS(photo)), answers(module_of("segment"), photo)
    limit = 2e-3 if precision == "fp16" else 0.1
    assert np.abs(output - wanted).max() <= limit * np.abs(wanted).max()
    assert session.self_test().passed
    steps = {step.name: step for step in made.report.steps}
    assert [one.name for one in steps["fidelity"].outputs] == ["logits"]
    assert (made.report.calibration is not None) == (precision == "int8")


def test_a_detector_in_int8_checks_each_of_its_outputs(photo_windows, tmp_path):
    made = compiled(
        "detect", tmp_path / "a.pte", target="native", precision="int8", calib_data=photo_windows
    )
    fidelity = next(step for step in made.report.steps if step.name == "fidelity")
    assert [one.name for one in fidelity.outputs] == ["logits", "offsets"]
    assert hvit_edge.Session(made.path).metadata.layers[0].precision == "int8"


def test_a_name_chooses_the_defaults_of_a_task(tmp_path):
    made = hvit_edge.compile(
        module_of("embed"), task="embed", preprocess=PHOTOS, target="native", output=tmp_path / "a"
    )
    assert hvit_edge.Session(made.path).metadata.photo_task == Embed("l2")


def test_several_artifacts_share_an_export(tmp_path):
    outcomes = hvit_edge.compile_many(
        module_of("segment"),
        task="segment",
        preprocess=PHOTOS,
        targets=["native", "xnnpack"],
        output=tmp_path,
    )
    assert [outcome.error for outcome in outcomes] == [None, None]
    assert outcomes[1].artifact.report.reused == ("exported graph",)


def test_a_classifier_refuses_it_by_its_task(tmp_path):
    path = compiled("segment", tmp_path / "a.pte", target="native").path
    with pytest.raises(ArtifactError, match="the task classify, got .* segment"):
        hvit_edge.Classifier(path)


def test_a_tolerance_is_for_every_output(tmp_path):
    with pytest.raises(ParityError, match="logits: expected max_rel <= 1e-08, got"):
        compiled("detect", tmp_path / "a.pte", target="native", precision="fp16", rtol=1e-8)
    assert not (tmp_path / "a.pte").exists()


def test_the_module_of_the_caller_is_not_changed(tmp_path):
    module = module_of("segment")
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    hvit_edge.compile(
        module, task="segment", preprocess=PHOTOS, target="native", output=tmp_path / "a.pte"
    )
    assert all(torch.equal(before[name], tensor) for name, tensor in module.state_dict().items())

"""Registered models have the task for which they were published."""

import numpy as np
import pytest
import torch

import hvit_edge
from hvit_edge.compiler.source import Source, read_model
from hvit_edge.errors import InputError
from hvit_edge.models.ssd import anchor_boxes
from hvit_edge.preprocess import load_image
from hvit_edge.tasks import Detect, Segment
from hvit_edge.weights import ModelOrigin, bundled_photos, create_model

SEGMENTER, DETECTOR = "deeplabv3_mobilevit_xxs", "ssdlite_mobilevit_xxs"
RTOL = 1e-4


def source(model, task=None, size=None):
    given = (read_model(model), None, None, None, size, None)
    return Source(given, None, None, None, False, task=task)


@pytest.mark.parametrize(
    ("model", "task"),
    [(SEGMENTER, "segment"), (DETECTOR, "detect"), ("swin_t", "classify")],
)
def test_a_name_has_a_task(model, task):
    assert source(model).task == task


def test_a_module_of_a_registered_model_has_its_task():
    module = create_model(SEGMENTER, weights="random", num_classes=3, input_size=64)
    assert source(module).task == "segment"
    assert source(torch.nn.Identity()).task == "classify"


@pytest.mark.parametrize(
    ("model", "task", "having"),
    [
        (SEGMENTER, "classify", "segment"),
        (SEGMENTER, "embed", "segment"),
        (DETECTOR, Segment(), "detect"),
        ("mobilevit_xxs", "detect", "classify or embed"),
    ],
)
def test_another_task_is_refused(model, task, having):
    with pytest.raises(InputError, match=rf"\[compile\] task: expected {having} for {model}, got"):
        source(model, task)


@pytest.mark.slow
@pytest.mark.parametrize("name", [SEGMENTER, DETECTOR])
@pytest.mark.parametrize("target", ["native", "xnnpack"])
def test_a_small_input_gives_the_answers_of_the_module(name, target, tmp_path):
    options = {"weights": "random", "num_classes": 5, "input_size": (64, 96)}
    made = hvit_edge.compile(name, **options, target=target, output=tmp_path / "a.pte")
    report = made.report.to_dict()
    assert (report["delegates"], report["ops_outside"]) == (1, [])
    session, module = hvit_edge.Session(made.path), create_model(name, **options)
    example = session.metadata.preprocess(load_image(bundled_photos()[1]))
    with torch.no_grad():
        expected = module(torch.from_numpy(example))
    expected = expected if isinstance(expected, tuple) else (expected,)
    for output, wanted in zip(session(example), expected, strict=True):
        assert np.abs(output - wanted.numpy()).max() <= RTOL * wanted.abs().max()
    assert session.self_test().passed
    if name == DETECTOR:
        assert session.metadata.detect == Detect(anchor_boxes((64, 96)))


def test_options_of_the_caller_replace_those_of_the_model(tmp_path):
    task = Detect(anchor_boxes((64, 64)), score_threshold=0.3, max_detections=9)
    built = source(DETECTOR, task)
    assert built.task == "detect"
    with pytest.raises(InputError, match="anchors: expected 142, as many .*, got 5"):
        hvit_edge.compile(
            DETECTOR,
            weights="random",
            input_size=64,
            task=Detect(anchor_boxes((64, 64))[:5]),
            output=tmp_path / "a.pte",
        )


EMBEDDERS = ["mobilevit_xxs", "mobilevit_xs", "mobilevit_s", "shunted_t", "swin_t", "conformer_ti"]
EMBEDDERS += ["shunted_s", "shunted_b", "conformer_s", "conformer_b"]


@pytest.mark.parametrize(
    ("name", "target"),
    [
        pytest.param(
            name,
            target,
            marks=()
            if (name, target) == ("mobilevit_xxs", "native")
            else pytest.mark.slow
            if name in ("mobilevit_xxs", "conformer_ti")
            else pytest.mark.nightly,
        )
        for name in EMBEDDERS
        for target in ("native", "xnnpack")
    ],
)
def test_a_classifier_embeds_without_its_head(name, target, tmp_path):
    options = {"weights": "random", "input_size": 64}
    made = hvit_edge.compile(
        name, **options, task="embed", target=target, output=tmp_path / "a.pte"
    )
    report = made.report.to_dict()
    assert (report["delegates"], report["ops_outside"], report["task"]) == (1, [], "embed")
    session, module = hvit_edge.Session(made.path), create_model(name, **options)
    example = session.metadata.preprocess(load_image(bundled_photos()[1]))
    with torch.no_grad():
        wanted = module.features(torch.from_numpy(example)).numpy()
    (output,) = session(example)
    assert np.abs(output - wanted).max() <= RTOL * np.abs(wanted).max()
    assert session.metadata.labels == () and session.metadata.normalize == "l2"
    heads = sum(p.nbytes for n, p in module.named_parameters() if "head." in n)
    whole = sum(p.nbytes for p in module.parameters())
    assert made.path.stat().st_size < whole - heads / 2, "the head is no part of the program"


def test_an_embedder_in_int8(photo_windows, tmp_path):
    made = hvit_edge.compile(
        "mobilevit_xxs",
        weights="cifar10",
        task="embed",
        target="native",
        precision="int8",
        calib_data=photo_windows,
        output=tmp_path / "a.pte",
    )
    session = hvit_edge.Session(made.path)
    module = create_model("mobilevit_xxs", weights="cifar10")
    for path in bundled_photos():
        example = session.metadata.preprocess(load_image(path))
        with torch.no_grad():
            wanted = module.features(torch.from_numpy(example)).numpy()[0]
        output = session(example)[0][0]
        cosine = output @ wanted / np.linalg.norm(output) / np.linalg.norm(wanted)
        assert cosine > 0.98
    assert session.self_test().passed


@pytest.mark.slow
@pytest.mark.parametrize(
    "target",
    [{"target": "native"}, {"target": "xnnpack"}, {"target": "xnnpack", "cpu": "arm"}],
    ids=str,
)
def test_a_registered_segmenter_in_int8_keeps_sensitive_layers_in_float(
    target, photo_windows, tmp_path
):
    with pytest.warns(UserWarning, match="in floating point it has"):
        made = hvit_edge.compile(
            SEGMENTER,
            weights="random",
            input_size=256,
            **target,
            precision="int8",
            calib_data=photo_windows,
            output=tmp_path / "a.pte",
        )
    report = made.report.to_dict()
    assert report["delegates"] == 1 and not report["ops_outside"]
    assert hvit_edge.Session(made.path).self_test().passed


def test_a_head_that_is_left_out_has_no_number_of_classes(tmp_path):
    options = {"weights": "random", "num_classes": 10, "input_size": 64}
    with pytest.raises(InputError, match="num_classes: expected none with the task embed.*got 10"):
        hvit_edge.compile("mobilevit_xxs", task="embed", output=tmp_path / "a.pte", **options)


class Labeled(torch.nn.Module):
    """Returns three logits."""

    def forward(self, x):
        return x.mean((2, 3))


def test_logits_are_no_features(tmp_path):
    module = Labeled().eval()
    preprocess = hvit_edge.Preprocess((16, 16))
    module.hvit_edge = ModelOrigin("labeled", "x", preprocess, ("a", "b", "c"), "x", "config.json")
    with pytest.raises(InputError, match="expected features .*, got the logits of 3 labeled class"):
        hvit_edge.compile(module, task="embed", output=tmp_path / "a.pte")

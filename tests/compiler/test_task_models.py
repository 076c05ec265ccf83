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
from hvit_edge.weights import bundled_photos, create_model

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

"""Modules and options that do not fit to a task are refused before anything is written."""

import numpy as np
import pytest
import torch
from torch import nn

import hvit_edge
from hvit_edge import InputSpec
from hvit_edge.errors import InputError
from hvit_edge.preprocess import Preprocess
from hvit_edge.tasks import Detect, Segment

PHOTOS = Preprocess((16, 16))


class Returns(nn.Module):
    """Returns what a function makes of features [1, 4, 8, 8]."""

    def __init__(self, answer):
        super().__init__()
        self.conv, self.answer = nn.Conv2d(3, 4, 3, stride=2, padding=1), answer

    def forward(self, x):
        return self.answer(self.conv(x))


def rows(x):
    return x.flatten(2).transpose(1, 2)


def refused(answer, message, folder, **options):
    """Check that a compilation is refused, and writes nothing."""
    path = folder / "a.pte"
    options = {"preprocess": PHOTOS, **options}
    with pytest.raises(InputError, match=message):
        hvit_edge.compile(Returns(answer).eval(), output=path, cache=False, **options)
    assert not path.exists()


@pytest.mark.parametrize(
    ("task", "answer", "message"),
    [
        ("segment", lambda x: x.mean((2, 3)), r"expected logits \[1, C, h, w\] .*, got \[1, 4\]"),
        ("segment", lambda x: {"mask": x, "boxes": x}, r"got \[1, 4, 8, 8\], \[1, 4, 8, 8\]"),
        ("segment", lambda x: x[:, :1], "of 2 or more classes"),
        ("segment", lambda x: x.argmax(1, keepdim=True).repeat(1, 2, 1, 1), "float32 .* int64"),
        ("segment", lambda x: x / 0, "expected finite outputs"),
        ("segment", lambda x: nn.functional.dropout(x), "draws random numbers"),
        (Segment(["#000000"]), lambda x: x, "colors: expected 4, one per class, got 1"),
        (
            "embed",
            lambda x: x,
            r"expected a vector \[1, D\] for the task embed, got \[1, 4, 8, 8\]",
        ),
        ("detect", lambda x: (rows(x), rows(x)), r"task=hvit_edge.tasks.Detect\(anchors=...\)"),
        (
            Detect(np.full((9, 4), 0.5)),
            lambda x: (rows(x), rows(x)),
            "anchors: expected 64, as many as the module has boxes, got 9",
        ),
        (Detect(np.full((64, 4), 0.5)), rows, r"return both, in this order"),
        ("classify", lambda x: x, "task='segment'"),
        (None, lambda x: {"out": x}, "task='segment'"),
    ],
)
def test_outputs_of_another_form(task, answer, message, tmp_path):
    refused(answer, message, tmp_path, task=task)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"task": "depth"}, "task: expected one of classify, embed, segment, detect, .* 'depth'"),
        ({"labels": ["a", "b"]}, "labels: expected 4, one per class, got 2"),
        (
            {"target": "coreml-pte"},
            "target: expected one of xnnpack, native, coreml for the task segment",
        ),
        ({"precision": "auto", "calib_data": "."}, "evaluation data: expected photos with"),
        ({"precision": "int8"}, "calibration data: expected photos with int8, got none"),
        ({"batches": [1, 2]}, "a batch of 1 for the task segment, got others"),
        ({"preprocess": None}, "expected preprocess=Preprocess"),
        ({"preprocess": None, "inputs": [InputSpec("x", (1, 3, 8, 8))]}, "a model of arrays"),
    ],
)
def test_options_that_a_task_does_not_have(options, message, tmp_path):
    refused(lambda x: x, message, tmp_path, **{"task": "segment", **options})


def test_embeddings_have_no_labels(tmp_path):
    message = "labels: expected none with the task embed, got 1"
    refused(lambda x: x.mean((2, 3)), message, tmp_path, task="embed", labels=["a"])


def test_a_compilation_of_several_is_refused_alike(tmp_path):
    with pytest.raises(
        InputError, match="expected one of xnnpack, native, coreml for the task segment"
    ):
        hvit_edge.compile_many(
            Returns(lambda x: x).eval(),
            task="segment",
            preprocess=PHOTOS,
            targets=["native", "coreml-pte"],
            output=tmp_path,
        )
    assert list(tmp_path.iterdir()) == []


def test_weights_are_not_changed(tmp_path):
    module = Returns(lambda x: x).eval()
    before = [p.clone() for p in module.parameters()]
    with pytest.raises(InputError):
        hvit_edge.compile(module, task="embed", preprocess=PHOTOS, output=tmp_path / "a.pte")
    assert all(torch.equal(one, p) for one, p in zip(before, module.parameters(), strict=True))

"""Registration and look-up by name."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from hvit_edge.errors import InputError
from hvit_edge.models import build_model, list_models, model_info, model_task, register_model
from hvit_edge.models.registry import check_input_size
from hvit_edge.sources.registered import MODELS
from hvit_edge.weights import bundled_names
from hvit_edge.weights.bundled import data_labels

BUILT_IN = [info for info in list_models() if info.name in {one.name for one in MODELS}]
"""The registered models without those that other tests register."""

BUNDLED_ONLY = ("deeplabv3_mobilevit_xxs_slim",)  # ours, not from a paper


def test_a_second_registration_raises():
    default = model_info("swin_t").default
    with pytest.raises(ValueError, match="expected a new name, got 'swin_t' twice"):
        register_model("swin_t", default=default)(lambda classes, size: None)


def test_unknown_name_suggests_and_lists():
    with pytest.raises(InputError) as caught:
        build_model("mobilevit_sx")
    message = str(caught.value)
    assert "did you mean 'mobilevit_" in message
    assert all(info.name in message for info in list_models())


def test_unknown_name_far_from_all_lists_only():
    with pytest.raises(InputError, match="got 'zzz'; known: conformer1d_s, conformer_b"):
        model_info("zzz")


@pytest.mark.parametrize(
    "size", [16, 65, (64, 48), (64,), (64.0, 64), 64.0, "64", True, ((64, 64), 64)]
)
def test_impossible_input_size(size):
    with pytest.raises(InputError, match=r"\[swin_t\] input_size: expected sides of at least 32"):
        build_model("swin_t", input_size=size)


def test_whole_numbers_of_other_types_are_sides():
    assert check_input_size("swin_t", np.int64(64)) == check_input_size("swin_t", [64, 64])


def test_impossible_class_count():
    with pytest.raises(InputError, match="num_classes: expected at least 1, got 0"):
        build_model("swin_t", num_classes=0)


@pytest.mark.parametrize("info", list_models(), ids=lambda info: info.name)
def test_entries_are_complete(info):
    assert info.default.paper.startswith("https://arxiv.org/abs/")
    assert info.input_size == info.default.preprocess.input_size
    published = info.default.hub or info.default.files
    if info.name in BUNDLED_ONLY:
        assert not published and not info.default.score
        assert info.sources == (*bundled_names(info.name), "random") != ("random",)
        return
    assert bool(info.default.hub) != bool(info.default.files)
    assert (60 < info.default.top1 < 90) == (info.task == "classify")
    assert bool(info.default.score) == (info.task != "classify")
    assert info.sources == (published, *bundled_names(info.name), "random")


@pytest.mark.parametrize("info", list_models(), ids=lambda info: info.name)
def test_every_class_has_a_label_but_the_background_of_detectors(info):
    labels = data_labels(info.default.data)
    task = model_task(info.name)
    shapes = {
        "classify": [(1, info.default.classes)],
        "segment": [(1, info.default.classes, 32, 32)],
        "detect": [(1, 9, info.default.classes), (1, 9, 4)],
    }
    assert task.name == info.task
    task.check_labels(labels, shapes[info.task], "test")
    assert len(labels) == len(set(labels)) or info.default.data == "ImageNet-1k"


def test_the_documentation_lists_every_model():
    page = (Path(__file__).parents[2] / "docs/models.md").read_text()
    table = re.search(r"<!-- models -->\n(.*?)<!-- end -->", page, re.DOTALL)[1]
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines()[2:]]
    assert rows == [
        [
            info.name,
            info.task,
            f"{info.default.classes}, {info.default.data}",
            "{} x {}".format(*info.input_size),
            f"{info.params / 1e6:.2f} M",
            info.default.score or (f"{info.default.top1} % top-1" if info.default.top1 else "none"),
            info.default.hub or info.default.files or f"bundled: {info.sources[0]}",
        ]
        for info in BUILT_IN
    ]

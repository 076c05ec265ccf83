"""Anchors of SSDLite against the published implementation, and the shapes of its outputs."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from hvit_edge.models import build_model, model_info, model_task, ssd

GOLDEN = Path(__file__).parent.parent / "goldens/ssdlite_mobilevit_xxs-64x96.ml-cvnets.json.gz"


def test_anchors_equal_the_published_ones():
    golden = json.loads(gzip.decompress(GOLDEN.read_bytes()))
    expected = np.array(golden["anchors"], np.float32).reshape(-1, 4)
    found = ssd.anchor_boxes(tuple(golden["input_shape"][2:]))
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-7)


@pytest.mark.parametrize("size", [(32, 32), (96, 64), (100, 130)])
def test_each_anchor_has_scores_and_offsets(size):
    model = build_model("ssdlite_mobilevit_xxs", num_classes=3, input_size=size).eval()
    logits, offsets = model(torch.rand(2, 3, *size))
    anchors = ssd.anchor_boxes(size)
    assert logits.shape == (2, len(anchors), 3)
    assert offsets.shape == (2, len(anchors), 4)
    assert [tuple(one.shape[2:]) for one in model.maps(torch.rand(1, 3, *size))] == ssd.map_sizes(
        size
    )


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("ssdlite_mobilevit_xxs", 1_755_050),
        ("ssdlite_mobilevit_xs", 2_742_042),
        ("ssdlite_mobilevit_s", 5_738_826),
    ],
)
def test_variants_have_the_published_size(name, params):
    """The paper states 1.8, 2.7 and 5.7 M."""
    assert model_info(name).params == params


def test_the_task_has_the_anchors_of_an_input_size():
    task = model_task("ssdlite_mobilevit_xs", (96, 64))
    assert np.array_equal(task.anchors, ssd.anchor_boxes((96, 64)))
    assert len(model_task("ssdlite_mobilevit_xs").anchors) == len(ssd.anchor_boxes((320, 320)))
    assert (task.variances, task.score_threshold, task.iou_threshold) == ((0.1, 0.2), 0.01, 0.5)

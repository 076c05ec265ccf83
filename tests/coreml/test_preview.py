"""The metadata of Xcode's preview of masks."""

import json
from dataclasses import replace

import numpy as np
import pytest

from hvit_edge.artifact.container import GoldenPhoto
from hvit_edge.artifact.metadata import Difference, Metadata
from hvit_edge.coreml.preview import PARAMETERS, TYPE, preview
from hvit_edge.preprocess import Preprocess

METADATA = Metadata(
    schema_version=2,
    model_name="own",
    target="coreml",
    precision="fp16",
    created="2026-11-21T10:00:00Z",
    weights_source="state dict",
    weights_sha256="ab" * 32,
    versions={},
    labels=(),
    preprocess=Preprocess((8, 8)),
    parity=Difference(0, 0, 1, True),
    golden_tolerance=0.01,
    task="segment",
    output_names=("logits",),
)
GOLDEN = GoldenPhoto(np.zeros((8, 8, 3), np.uint8), (np.zeros((1, 3, 2, 2), np.float32),))


@pytest.mark.parametrize(
    ("fields", "labels", "colors"),
    [
        ({}, ["class 0", "class 1", "class 2"], ["#000000", "#800000", "#008000"]),
        (
            {"labels": ("sky", "é", "b"), "colors": ("#0000ff", "#00ff00", "#abcdef")},
            ["sky", "é", "b"],
            ["#0000FF", "#00FF00", "#ABCDEF"],
        ),
    ],
)
def test_masks_have_labels_and_colors(fields, labels, colors):
    found = preview(replace(METADATA, **fields), GOLDEN)
    assert found.keys() == {TYPE, PARAMETERS} and found[TYPE] == "imageSegmenter"
    assert json.loads(found[PARAMETERS]) == {"labels": labels, "colors": colors}


def test_other_tasks_need_none():
    embed = replace(METADATA, task="embed", normalize="l2", output_names=("embedding",))
    assert preview(embed, GOLDEN) == {}

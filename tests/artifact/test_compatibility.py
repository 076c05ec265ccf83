"""Artifacts that earlier versions wrote load and give the answers that they gave then."""

import json

import numpy as np
import pytest

from hvit_edge import Classifier
from hvit_edge.devices.bundle import CHECKOUT
from hvit_edge.weights import bundled_photos

FOLDER = CHECKOUT / "cpp/tests/data/precisions"
ANSWERS = json.loads((FOLDER / "answers.json").read_text())


def test_each_target_and_lower_precision_of_the_first_version_is_kept():
    precisions = ("fp16", "int8", "int8-dynamic")
    first = {f"{target}_{p}_0.1.0.pte" for target in ("native", "xnnpack") for p in precisions}
    assert first <= set(ANSWERS) == {path.name for path in FOLDER.glob("*.pte")}


@pytest.mark.parametrize("name", sorted(ANSWERS))
def test_an_artifact_gives_its_former_answer(name):
    target, precision, version = name.removesuffix(".pte").split("_")
    classify = Classifier(FOLDER / name)
    metadata = classify.metadata
    assert (metadata.target, metadata.precision) == (target, precision)
    assert metadata.versions["hvit-edge"] == version
    assert classify.self_test().passed
    logits = np.reshape(classify.logits(bundled_photos()[0]), -1)
    # Machines differ in how they round float16, and in the last bit before quantizing.
    assert np.abs(logits - ANSWERS[name]).max() <= 5e-3 * np.abs(ANSWERS[name]).max()

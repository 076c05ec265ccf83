"""Validation of packages."""

import copy
import sys

import numpy as np
import pytest
import torch
from PIL import Image

from hvit_edge.coreml import open_program, read_package, runner
from hvit_edge.errors import ArtifactError, InputError
from hvit_edge.lowering import COREML_PIPELINE
from hvit_edge.parity import float_steps, validate
from hvit_edge.parity.bisect import first_wrong_module
from hvit_edge.preprocess import load_image
from hvit_edge.weights import bundled_photos

FLOAT = "max_rel <= 0.0001 and the same top-1"
HALF = "cosine >= 0.9995 and the same top-1 if max_rel > 0.01"
GATES = {"fp32": FLOAT, "fp16": HALF, "w8": "cosine >= 0.99"}


@pytest.mark.parametrize("precision", GATES)
def test_every_step_is_measured(precision, apple_package, apple_model):
    report = validate(apple_package(precision).path, model=apple_model)
    fidelity = [] if precision == "fp32" else ["fidelity"]
    names = ["exported", "rewritten", *fidelity, "evaluated"]
    assert [step.name for step in report.steps] == names
    tolerances = [str(step.tolerance) for step in report.steps if step.name != "fidelity"]
    assert tolerances == [FLOAT, FLOAT, GATES[precision]]
    assert report.passed and report.first_break is None
    assert (report.images, report.precision) == (4, precision)
    assert report.backend == report.to_dict()["backend"] == "reference evaluator"
    assert report.layers == ()
    assert report.noise.sqnr_db > {"fp32": 100, "fp16": 45, "w8": 30}[precision]


def test_the_last_step_is_the_package_itself(apple_package, apple_model, tiny_preprocess):
    path = apple_package("w8").path
    report, classifier = validate(path, model=apple_model), runner.PackageClassifier(path)
    expected, actual = [], []
    for photo in bundled_photos():
        with torch.inference_mode():
            expected.append(apple_model(torch.from_numpy(tiny_preprocess(load_image(photo)))))
        actual.append(classifier.logits(photo))
    noise = np.concatenate(expected).astype(np.float64) - np.concatenate(actual)
    decibel = 20 * np.log10(np.linalg.norm(np.concatenate(expected)) / np.linalg.norm(noise))
    assert report.noise.sqnr_db == pytest.approx(decibel, abs=1e-4)
    assert report.steps[-1].difference.max_abs == pytest.approx(np.abs(noise).max(), rel=1e-5)


def test_own_photos(apple_package, apple_model, tmp_path):
    Image.linear_gradient("L").save(tmp_path / "one.png")
    (tmp_path / "two.png").write_bytes(b"no image")
    report = validate(apple_package("fp16").path, model=apple_model, data=tmp_path)
    assert (report.images, len(report.skipped)) == (1, 1)


def test_bisect_says_no_more_of_the_program_than_that_it_breaks(apple_package, apple_model):
    report = validate(apple_package("fp16").path, model=apple_model, rtol=1e-7, bisect=True)
    assert (report.passed, report.first_break) == (False, "evaluated")
    assert (report.first_module, report.worst_layer) == (None, None)


def test_bisect_names_the_module_that_a_rewrite_changed(apple_package, apple_model, monkeypatch):
    passes = (*COREML_PIPELINE, spoil_head)
    monkeypatch.setattr("hvit_edge.targets.coreml.target.COREML_PIPELINE", passes)
    report = validate(apple_package("fp16").path, model=apple_model, bisect=True)
    assert (report.first_break, report.first_module) == ("rewritten", "head")


def spoil_head(graph):
    graph.head.bias = torch.nn.Parameter(graph.head.bias + 0.5)
    return False


def test_bisect_finds_nothing_where_nothing_is_wrong(apple_model, tiny_preprocess):
    example = tiny_preprocess(load_image(bundled_photos()[0]))
    for step in ("exported", "rewritten"):
        broken = first_wrong_module(apple_model, example, step, 1e-4, passes=COREML_PIPELINE)
        assert broken is None


def test_the_rewrites_are_those_of_core_ml(apple_package, apple_model, monkeypatch):
    seen = []
    rewrite = float_steps.rewrite
    monkeypatch.setattr(
        float_steps, "rewrite", lambda g, passes: (seen.append(passes), rewrite(g, passes=passes))
    )
    validate(apple_package("fp16").path, model=apple_model)
    assert seen == [COREML_PIPELINE]


def test_core_ml_predicts_on_a_mac(apple_package, apple_model, monkeypatch):
    path = apple_package("fp16").path
    evaluate = open_program._evaluator(read_package(path), 0, "validate")
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr("coremltools.models.model._MLModelProxy", object())
    monkeypatch.setattr(open_program, "_core_ml", lambda package, threads, where: evaluate)
    report = validate(path, model=apple_model)
    assert (report.steps[-1].name, report.backend) == ("predicted", "Core ML")
    assert report.passed


def test_other_weights_are_refused(apple_package, apple_model):
    other = copy.deepcopy(apple_model)
    with torch.no_grad():
        other.head.bias += 1e-3
    with pytest.raises(InputError, match=r"\[reference_model\].*SHA-256"):
        validate(apple_package("fp16").path, model=other)
    with pytest.raises(
        InputError, match=r"\[reference_model\].*'state dict'.*model=module.*weights=FILE"
    ):
        validate(apple_package("fp16").path)


def test_no_package_is_refused(tmp_path):
    with pytest.raises(ArtifactError, match="expected a package at"):
        validate(tmp_path / "none.mlpackage")

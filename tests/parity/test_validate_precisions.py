"""Validation of quantized artifacts: gates, noise, layers."""

import importlib
import math

import numpy as np
import pytest
import torch

from hvit_edge.lowering.pipeline import PIPELINE
from hvit_edge.parity import float_steps, validate
from hvit_edge.parity.report import measure_noise
from hvit_edge.preprocess import load_image
from hvit_edge.runtime import Session
from hvit_edge.targets.xnnpack import target
from hvit_edge.targets.xnnpack.lower import program_values
from hvit_edge.weights import bundled_photos

GATES = {
    "fp16": "cosine >= 0.9995 and the same top-1 if max_rel > 0.01",
    "int8": "cosine >= 0.99",
    "int8-dynamic": "cosine >= 0.99",
}


def decibel(expected, actual):
    ratio = np.linalg.norm(expected.astype(np.float64)) / np.linalg.norm(
        expected.astype(np.float64) - actual
    )
    return 20 * math.log10(ratio)


@pytest.mark.parametrize("precision", GATES)
def test_gates_and_noise(precision, tiny_quantised, tiny_model, tiny_preprocess):
    path = tiny_quantised(precision).path
    report = validate(path, model=tiny_model)
    assert report.passed and (report.precision, report.images) == (precision, 4)
    names = ["exported", "rewritten", "lowered", "fidelity", "runtime"]
    assert [step.name for step in report.steps] == names
    float_gate = "max_rel <= 0.0001 and the same top-1"
    assert [str(step.tolerance) for step in report.steps if step.name != "fidelity"] == [
        *[float_gate] * 2,
        *[GATES[precision]] * 2,
    ]

    session, photos = Session(path), bundled_photos()
    arrays = [tiny_preprocess(load_image(photo)) for photo in photos]
    with torch.inference_mode():
        expected = [tiny_model(torch.from_numpy(array)).numpy() for array in arrays]
    actual = [session(array)[0] for array in arrays]
    e, a = np.concatenate(expected), np.concatenate(actual)
    noise = report.noise
    assert noise.sqnr_db == pytest.approx(decibel(e, a), abs=1e-6)
    centred = decibel(e - e.mean(0), (a - a.mean(0)).astype(np.float64))
    assert noise.sqnr_centred_db == pytest.approx(centred, abs=0.01)
    own = {p.name: decibel(*pair) for p, *pair in zip(photos, expected, actual, strict=True)}
    worst = min(own, key=own.get)
    assert (noise.worst_image, noise.worst_image_sqnr_db) == (
        worst,
        pytest.approx(own[worst], abs=1e-6),
    )
    assert report.top1_agreement == np.mean(e.argmax(1) == a.argmax(1))
    assert report.layers == session.metadata.layers != ()


def test_float_artifact_has_no_layers_and_hardly_any_noise(tiny_artifact, tiny_model):
    report = validate(tiny_artifact, model=tiny_model)
    assert report.layers == () and report.precision == "fp32"
    assert report.noise.sqnr_db > 100 and report.top1_agreement == 1


def test_noise_of_equal_of_broken_and_of_single_outputs():
    rows = [np.array([[1.0, 2.0]]), np.array([[3.0, 1.0]])]
    equal = measure_noise(["a", "b"], rows, rows)
    assert (equal.sqnr_db, equal.sqnr_centred_db) == (math.inf, math.inf)
    broken = measure_noise(["a", "b"], rows, [rows[0], np.array([[3.0, np.nan]])])
    assert (broken.sqnr_db, broken.worst_image) == (-math.inf, "b")
    assert broken.worst_image_sqnr_db == -math.inf
    assert measure_noise(["a"], rows[:1], [rows[0] * 1.1]).sqnr_centred_db is None


def test_bisect_names_the_layer_with_the_most_noise(tiny_quantised, tiny_model):
    path = tiny_quantised("int8").path
    report = validate(path, model=tiny_model, rtol=1e-6, bisect=True)
    assert (report.passed, report.first_break, report.first_module) == (False, "lowered", None)
    assert report.worst_layer == min(report.layers, key=lambda layer: layer.sqnr_db)
    assert report.to_dict()["worst_layer"]["layer"] == report.worst_layer.layer


def test_bisect_names_the_layer_that_is_lowered_wrongly(tiny_quantised, tiny_model, monkeypatch):
    def swapped(graph, lowered, example):
        values = program_values(graph, lowered, example)
        project = next(name for name in values if values[name].shape == (1, 64, 8))
        return {**values, project: values[project].flip(-1)}

    monkeypatch.setattr(target, "program_values", swapped)
    path = tiny_quantised("int8-dynamic").path
    report = validate(path, model=tiny_model, rtol=1e-6, bisect=True)
    assert report.first_module.startswith("attention"), report.first_module


def test_bisect_before_rounding_looks_for_the_module(tiny_quantised, tiny_model, monkeypatch):
    module = importlib.import_module("hvit_edge.parity.locate_break")
    rewrite = float_steps.rewrite

    def wrong(graph, passes):
        rewrite(graph, passes=passes)
        graph.head.bias = torch.nn.Parameter(graph.head.bias + 0.5)

    seen = []

    def find(model, example, step, rtol, passes, target):
        seen.append((step, rtol, passes))
        return "head"

    monkeypatch.setattr(float_steps, "rewrite", wrong)
    monkeypatch.setattr(module, "first_wrong_module", find)
    report = validate(tiny_quantised("int8").path, model=tiny_model, bisect=True)
    assert seen == [("rewritten", 1e-4, PIPELINE)]
    assert (report.first_break, report.first_module) == ("rewritten", "head")
    assert report.worst_layer is None

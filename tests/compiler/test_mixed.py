"""Precision "auto": searched and given plans, their gates, and the files that they write."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from PIL import Image

import hvit_edge
from hvit_edge.compiler.mixed import Labelled
from hvit_edge.errors import InputError, ParityError
from hvit_edge.preprocess import load_image
from hvit_edge.quantize.cost import CostProfile, LayerCost, signature_of
from hvit_edge.quantize.layers import find_layers

LABELS = ["a", "b", "c", "d", "e"]


@pytest.fixture(scope="module")
def labelled(photo_windows, tiny_model, tiny_preprocess, tmp_path_factory):
    """Write an NPZ file whose labels are the answers of the float model, so its top-1 is 1."""
    images = [load_image(path) for path in sorted(photo_windows.iterdir())]
    with torch.inference_mode():
        answers = [
            int(tiny_model(torch.from_numpy(tiny_preprocess(image))).argmax()) for image in images
        ]
    path = tmp_path_factory.mktemp("labelled") / "labelled.npz"
    np.savez(path, images=np.stack(images), labels=np.array(answers))
    return path


@pytest.fixture(scope="module")
def profile(tiny_model, tmp_path_factory):
    """Write the costs of a device on which int8 is twice as fast, and float16 is not faster."""
    from hvit_edge.lowering import export_graph, rewrite
    from hvit_edge.quantize import reference_graph

    graph = export_graph(tiny_model, (torch.zeros(1, 3, 16, 16),))
    rewrite(graph)
    signatures = {signature_of(layer) for layer in find_layers(reference_graph(graph, "auto"))}
    costs = {name: {"fp32": 2.0, "fp16": 2.0, "int8": 1.0} for name in signatures}
    path = tmp_path_factory.mktemp("profile") / "device.json"
    CostProfile("device", {name: LayerCost(name, ms) for name, ms in costs.items()}).save(path)
    return path


@pytest.fixture
def compile_auto(tiny_model, tiny_preprocess, photo_windows, tmp_path):
    def compile_(**options):
        return hvit_edge.compile(
            tiny_model,
            preprocess=tiny_preprocess,
            labels=LABELS,
            **{
                "precision": "auto",
                "calib_data": photo_windows,
                "output": tmp_path / "a.pte",
                **options,
            },
        )

    return compile_


def test_labelled_images_that_cannot_be_read_are_named(tmp_path, tiny_preprocess):
    for label in ("a", "b"):
        (tmp_path / label).mkdir()
    Image.linear_gradient("L").save(tmp_path / "a" / "1.png")
    (tmp_path / "a" / "2.png").write_bytes(b"no image")
    (tmp_path / "a" / "3.txt").write_text("no image")
    with pytest.warns(UserWarning) as caught:
        labelled = Labelled(tmp_path, tiny_preprocess, 2, ["a", "b"])
    assert (len(labelled.inputs), labelled.truth.tolist()) == (1, [0])
    assert [str(warning.message).split(": ", 1)[1] for warning in caught] == [
        "skipped 1 unreadable: a/2.png",
        "ignored 1 file not named like an image, or in no class folder: a/3.txt",
        "found no image in 1 folder: b",
    ]


def test_search_plan_and_back(compile_auto, labelled, profile, tmp_path):
    found = compile_auto(eval_data=labelled, cost_profile=profile, max_drop=100)
    mixture = found.report.to_dict()["mixture"]
    assert found.report.lowered.delegates == 1 and found.report.lowered.ops_outside == []
    assert mixture["reached"] and mixture["float_top1"] == 1.0
    assert mixture["drop"] == pytest.approx(100 * (1 - mixture["top1"]))
    plan = json.loads((tmp_path / "a.plan.json").read_text())
    assert plan["layers"] == mixture["layers"]
    assert set(mixture["layers"].values()) == {"int8", "fp32"}, "a depthwise layer stays float"
    assert not (tmp_path / "a.search.json").exists()
    session = hvit_edge.Session(found.path)
    assert session.metadata.precision == "auto"
    assert {x.layer: x.precision for x in session.metadata.layers} == mixture["layers"]
    assert session.self_test().passed

    edited = tmp_path / "edited.json"
    head = next(name for name in plan["layers"] if name.startswith("head"))
    edited.write_text(json.dumps({**plan, "layers": {**plan["layers"], head: "fp16"}}))
    again = compile_auto(plan=edited, output=tmp_path / "b.pte", eval_data=labelled, max_drop=100)
    assert again.report.mixture.layers == {**mixture["layers"], head: "fp16"}
    assert not (tmp_path / "b.plan.json").exists(), "the given plan is kept where it is"
    assert again.report.lowered.delegates == 1


def test_a_drop_out_of_reach_writes_nothing_unless_forced(
    compile_auto, labelled, profile, tmp_path
):
    options = {"eval_data": labelled, "cost_profile": profile, "max_drop": -1}
    with pytest.raises(ParityError, match="drop of at most -1 points, got 0.00") as raised:
        compile_auto(**options)
    assert raised.value.exit_code == 3
    assert not (tmp_path / "a.pte").exists() and not (tmp_path / "a.plan.json").exists()
    assert (tmp_path / "a.search.json").exists(), "what was measured is kept"
    forced = compile_auto(**options, force_inexact=True)
    assert not forced.report.mixture.reached and forced.path.exists()


def test_an_interrupted_search_goes_on(compile_auto, labelled, profile, tmp_path, monkeypatch):
    from hvit_edge.compiler import mixed

    options = {"eval_data": labelled, "cost_profile": profile, "max_drop": 100}
    real, calls = mixed.Labelled.top1, []

    def interrupted(self, graph):
        calls.append(graph)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return real(self, graph)

    monkeypatch.setattr(mixed.Labelled, "top1", interrupted)
    with pytest.raises(KeyboardInterrupt):
        compile_auto(**options)
    state = json.loads((tmp_path / "a.search.json").read_text())
    assert len(state["evaluations"]) == 1 and state["sensitivities"]
    assert compile_auto(**options).report.mixture.reached
    assert len(calls) == 3, "the float graph was not evaluated again"


@pytest.mark.parametrize(
    "options, message",
    [
        ({}, "expected labeled images with precision auto, got none"),
        ({"precision": "int8", "max_drop": 1.0}, "max_drop=: expected only with precision auto"),
        ({"precision": "fp32", "calib_data": None, "plan": "p.json"}, "plan=: expected only with"),
        ({"plan": "p.json", "max_drop": 1.0}, "max_drop=: expected together with eval_data="),
        ({"plan": "p.json", "cost_profile": "c.json"}, "cost_profile=: expected without plan="),
        ({"calib_data": None, "plan": "p.json"}, "calibration data: expected photos with auto"),
    ],
)
def test_refusals(options, message, compile_auto):
    with pytest.raises(InputError, match=message):
        compile_auto(**options)


def test_unknown_layers_and_impossible_precisions_are_named(compile_auto, tmp_path):
    layers = {"hed:linear": "int8", "head*": "int7"}
    content = {"format": "hvit-edge plan 1", "model": "", "layers": layers}
    (tmp_path / "p.json").write_text(json.dumps(content))
    with pytest.raises(InputError) as raised:
        compile_auto(plan=tmp_path / "p.json")
    assert "hed:linear" in str(raised.value) and "head" in str(raised.value)
    assert "int7" in str(raised.value) and "int8" in str(raised.value)


def test_an_existing_plan_is_kept(compile_auto, labelled, tmp_path):
    (tmp_path / "a.plan.json").write_text("mine")
    with pytest.raises(InputError, match="expected a new file"):
        compile_auto(eval_data=labelled)
    assert (tmp_path / "a.plan.json").read_text() == "mine"

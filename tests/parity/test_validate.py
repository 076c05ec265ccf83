import copy
from pathlib import Path

import pytest
import torch
from PIL import Image

import hvit_edge
from hvit_edge.errors import InputError
from hvit_edge.lowering import pipeline_for
from hvit_edge.lowering.graph import aten, nodes_calling
from hvit_edge.parity import bisect as bisect_module
from hvit_edge.parity import float_steps, validate
from hvit_edge.parity.bisect import first_wrong_module
from hvit_edge.precision import CPUS
from hvit_edge.preprocess import load_image
from hvit_edge.targets.xnnpack import target
from hvit_edge.weights import bundled_photos


@pytest.fixture
def example(tiny_preprocess):
    return tiny_preprocess(load_image(bundled_photos()[0]))


def test_every_step_is_measured(tiny_artifact, tiny_model):
    report = validate(tiny_artifact, model=tiny_model)
    assert [step.name for step in report.steps] == ["exported", "rewritten", "lowered", "runtime"]
    assert report.passed and report.first_break is None
    assert report.images == len(bundled_photos()) == 4
    assert report.steps[0].difference.max_abs == 0
    assert all(0 < step.difference.max_rel <= 1e-5 for step in report.steps[1:])
    assert [step.top1_agreement for step in report.steps] == [1.0] * 4


def test_own_photos(tiny_artifact, tiny_model, tmp_path):
    Image.linear_gradient("L").save(tmp_path / "one.png")
    Image.radial_gradient("L").save(tmp_path / "two.png")
    (tmp_path / "three.png").write_bytes(b"no image")
    Image.linear_gradient("L").resize((600_000, 1)).save(tmp_path / "wide.png")
    (tmp_path / "notes.txt").write_text("no image")
    (tmp_path / "dog").mkdir()
    report = validate(tiny_artifact, model=tiny_model, data=tmp_path)
    assert report.images == 2
    *photos, other, empty = report.skipped
    assert [Path(photo.name).name for photo in photos] == ["three.png", "wide.png"]
    assert other.reason.endswith("class folder: notes.txt")
    assert empty.reason == "[datasets] found no image in 1 folder: dog"


def test_first_break_is_named(tiny_artifact, tiny_model):
    report = validate(tiny_artifact, model=tiny_model, rtol=1e-12)
    assert not report.passed and report.first_break == "rewritten"
    assert report.to_dict()["first_break"] == "rewritten"


@pytest.mark.parametrize("cpu", CPUS)
def test_the_rewrites_are_those_of_the_artifact(
    cpu, tiny_model, tiny_preprocess, tmp_path, monkeypatch
):
    given = {"preprocess": tiny_preprocess, "min_delegated": 1.0}
    artifact = hvit_edge.compile(tiny_model, cpu=cpu, output=tmp_path / "a.pte", **given)
    rewrite, seen = float_steps.rewrite, []
    monkeypatch.setattr(
        float_steps, "rewrite", lambda g, passes: (seen.append(passes), rewrite(g, passes=passes))
    )
    assert validate(artifact.path, model=tiny_model).passed
    assert seen == [pipeline_for(cpu, "fp32")]


def test_other_weights_are_refused(tiny_artifact, tiny_model):
    other = copy.deepcopy(tiny_model)
    with torch.no_grad():
        other.head.bias += 1e-3
    with pytest.raises(InputError, match=r"\[reference_model\].*SHA-256"):
        validate(tiny_artifact, model=other)


def test_weights_that_cannot_be_found_again(tiny_artifact):
    with pytest.raises(
        InputError, match=r"\[reference_model\].*'state dict'.*model=module.*weights=FILE"
    ):
        validate(tiny_artifact)


def test_bisect_finds_nothing_where_nothing_is_wrong(tiny_model, example):
    for step in ("exported", "rewritten", "lowered"):
        assert first_wrong_module(tiny_model, example, step, 1e-4) is None


def scale_weights_of(graph, operator):
    """Return a wrong rewrite that makes the weights of the first `operator` 1 % too large."""
    node = next(nodes_calling(graph, operator))
    weight = graph
    for name in node.args[1].target.split("."):
        weight = getattr(weight, name)
    graph.register_buffer("wrong", weight.detach() * 1.01)
    with graph.graph.inserting_before(node):
        wrong = graph.graph.get_attr("wrong")
    wrong.meta["val"] = node.args[1].meta["val"]
    node.replace_input_with(node.args[1], wrong)
    graph.recompile()


def test_bisect_names_the_module_that_export_changed(tiny_model, example, monkeypatch):
    export = bisect_module.export_graph

    def wrong_export(model, inputs):
        graph = export(model, inputs)
        scale_weights_of(graph, aten.linear.default)
        return graph

    monkeypatch.setattr(bisect_module, "export_graph", wrong_export)
    assert first_wrong_module(tiny_model, example, "exported", 1e-4) == "attention.qkv"


def test_bisect_names_the_module_that_a_rewrite_changed(tiny_model, example, monkeypatch):
    monkeypatch.setattr(
        bisect_module, "rewrite", lambda graph, passes: scale_weights_of(graph, aten.conv2d.default)
    )
    assert first_wrong_module(tiny_model, example, "rewritten", 1e-4) == "stem.0"


def test_bisect_names_the_module_that_lowering_changed(tiny_model, example, monkeypatch):
    lower = target.lower

    def wrong_lower(graph, inputs):
        last_linear = list(nodes_calling(graph, aten.linear.default))[-1]
        with graph.graph.inserting_after(last_linear):
            wrong = graph.graph.call_function(aten.mul.Tensor, (last_linear, 1.01))
        last_linear.replace_all_uses_with(wrong, delete_user_cb=lambda user: user is not wrong)
        graph.recompile()
        return lower(graph, inputs)

    monkeypatch.setattr(target, "lower", wrong_lower)
    assert first_wrong_module(tiny_model, example, "lowered", 1e-4) == "head"

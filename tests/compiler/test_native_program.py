"""Compiling for our own backend: one delegate with all operators, or an error that names them."""

import os

import numpy as np
import pytest
import torch
from torch import nn

import hvit_edge
from hvit_edge.compiler import photo_gate, pipeline
from hvit_edge.errors import DelegationError, InputError, LoweringError, ParityError
from hvit_edge.inspection.programs import describe
from hvit_edge.parity import validate
from hvit_edge.parity.bisect import first_wrong_module
from hvit_edge.preprocess import load_image
from hvit_edge.profile.profiling import profile
from hvit_edge.targets.native import runtime, target
from hvit_edge.weights import bundled_photos, weights_digest

RTOL = 1e-5  # float32, sums in another order
KINDS = {"Attention", "Depthwise", "LayerNorm", "Linear", "Mean"}


@pytest.fixture(scope="module")
def artifact(tiny_model, tiny_preprocess, tmp_path_factory):
    return hvit_edge.compile(
        tiny_model,
        target="native",
        preprocess=tiny_preprocess,
        labels=list("abcde"),
        output=tmp_path_factory.mktemp("native") / "a.pte",
    )


@pytest.fixture
def example(tiny_preprocess):
    return tiny_preprocess(load_image(bundled_photos()[0]))


def test_one_delegate_takes_everything(artifact):
    report = artifact.report.to_dict()
    assert (report["target"], report["precision"]) == ("native", "fp32")
    assert (report["delegates"], report["ops_outside"]) == (1, [])
    assert report["delegated_share"] == 1.0 and report["ops_total"] > 25
    assert report["rewrites_left_out"] == []
    assert [step["name"] for step in report["steps"]] == ["exported", "rewritten", "runtime"]
    assert report["parity"]["max_rel"] <= RTOL
    assert report["parity"] == artifact.report.steps[-1].difference.to_dict()


def fails_half_way(graph):
    norm = next(node for node in graph.graph.nodes if "batch_norm" in str(node.target))
    norm.replace_all_uses_with(norm.args[0])
    raise IndexError("no channel 111\nof 8")


def test_a_rewrite_that_fails_is_left_out_and_named(
    tiny_model, tiny_preprocess, tmp_path, monkeypatch
):
    passes = (fails_half_way, *target.NATIVE_PIPELINE)
    monkeypatch.setattr(target, "NATIVE_PIPELINE", passes)
    request = {"target": "native", "preprocess": tiny_preprocess, "output": tmp_path / "a.pte"}
    report = hvit_edge.compile(tiny_model, **request).report.to_dict()
    reason = "IndexError: no channel 111\nof 8"
    assert report["rewrites_left_out"] == [{"rewrite": "fails_half_way", "reason": reason}]
    assert report["parity"]["max_rel"] <= RTOL
    assert hvit_edge.Session(request["output"]).self_test().passed


def test_the_runtime_gives_pytorchs_answers(artifact, tiny_model, tiny_preprocess):
    session = hvit_edge.Session(artifact.path)
    classifier = hvit_edge.Classifier(artifact.path)
    assert session.self_test().passed
    for path in bundled_photos():
        array = tiny_preprocess(load_image(path))
        with torch.inference_mode():
            expected = tiny_model(torch.from_numpy(array)).numpy()
        np.testing.assert_allclose(session(array)[0], expected, atol=RTOL * np.abs(expected).max())
        assert classifier(path)[0].index == expected.argmax()


def test_what_it_says_of_itself(artifact, tiny_model):
    facts = describe(artifact.path)
    assert facts["delegates"] == {"HvitEdgeBackend": 1} and facts["ops_outside"] == {}
    metadata = hvit_edge.Session(artifact.path).metadata
    assert (metadata.target, metadata.precision, metadata.cpu) == ("native", "fp32", "any")
    assert metadata.weights_sha256 == weights_digest(tiny_model)
    assert metadata.labels == tuple("abcde")
    assert set(metadata.versions) == {"hvit-edge", "torch", "executorch"}
    assert {operator.kind for operator in metadata.operators} >= KINDS
    assert ("Attention", "attention") in {(o.kind, o.module) for o in metadata.operators}


def test_profile_has_kinds_and_modules(artifact):
    found = profile(artifact.path, iterations=1, warmup=0)
    records = hvit_edge.Session(artifact.path).metadata.operators
    assert [(each.name, each.module or "") for each in found.operators] == [
        (record.kind, record.module) for record in records
    ]
    groups = {each.name: each.group for each in found.operators}
    assert "other" not in groups.values()
    assert (groups["Attention"], groups["Linear"]) == ("attention", "gemm")


def test_validate_has_no_step_in_executorchs_runtime(artifact, tiny_model):
    report = validate(artifact.path, model=tiny_model)
    assert [step.name for step in report.steps] == ["exported", "rewritten", "runtime"]
    assert report.passed
    assert all(0 < step.difference.max_rel <= RTOL for step in report.steps[1:])


def test_bisect_finds_nothing_where_nothing_is_wrong(tiny_model, example):
    passes = target.NATIVE_PIPELINE
    found = first_wrong_module(tiny_model, example, "runtime", 1e-4, passes=passes, target="native")
    assert found is None


@pytest.mark.parametrize(("cpu", "number"), [("any", b"HVITPN01"), ("arm", b"HVITPH01")])
def test_int8_dynamic_rounds_linears_alone(
    cpu, number, tiny_model, tiny_preprocess, decibel_of, tmp_path, record_property
):
    compiled = hvit_edge.compile(
        tiny_model,
        target="native",
        precision="int8-dynamic",
        cpu=cpu,
        preprocess=tiny_preprocess,
        output=tmp_path / "a.pte",
    )
    session = hvit_edge.Session(compiled.path)
    assert (session.metadata.precision, session.metadata.cpu) == ("int8-dynamic", cpu)
    in_int8 = {x.layer.split(":")[0] for x in session.metadata.layers if x.precision == "int8"}
    assert in_int8 == {"attention.qkv", "attention.project"}, "the head reads a single row"
    assert number in compiled.path.read_bytes(), "float16 beside int8, or float32"
    decibel = decibel_of(compiled.path)
    record_property("measured", f"tiny, native int8-dynamic, {cpu}: {decibel:.1f} dB")
    assert decibel > 40
    assert session.self_test().passed


def spoil(graph):
    graph.head.bias = nn.Parameter(graph.head.bias + 0.01)


def test_bisect_names_the_module_that_lowering_changed(tiny_model, example, monkeypatch):
    right = runtime.lower

    def wrong(graph, inputs, number, **how):
        spoil(graph)
        return right(graph, inputs, number, **how)

    monkeypatch.setattr(runtime, "lower", wrong)
    found = first_wrong_module(
        tiny_model,
        example,
        "runtime",
        1e-4,
        passes=target.NATIVE_PIPELINE,
        target="native",
    )
    assert found == "head"


def test_a_rewrite_that_breaks_is_found_first(artifact, tiny_model):
    report = validate(artifact.path, model=tiny_model, rtol=1e-12, bisect=True)
    assert report.first_break == "rewritten" and report.first_module


@pytest.mark.parametrize("step", ["export_graph", "rewrite", "lower"])
def test_wrong_step_is_named_and_nothing_written(
    step, tiny_model, tiny_preprocess, tmp_path, monkeypatch
):
    home = {"export_graph": photo_gate, "rewrite": pipeline, "lower": target}[step]
    right = getattr(home, step)

    def wrong(graph, *inputs, **how):
        if step == "lower":
            spoil(graph)
        result = right(graph, *inputs, **how)
        if step != "lower":
            spoil(graph if step == "rewrite" else result)
        return result

    monkeypatch.setattr(home, step, wrong)
    named = {"export_graph": "exported", "rewrite": "rewritten", "lower": "runtime"}[step]
    with pytest.raises(ParityError, match=f"expected the {named} program to have max_rel"):
        hvit_edge.compile(
            tiny_model, target="native", preprocess=tiny_preprocess, output=tmp_path / "a.pte"
        )
    assert os.listdir(tmp_path) == []


class Running(nn.Module):
    """An operator that the backend does not have, in a module with a name."""

    class Sum(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.topk(x, 3)[0]

    def __init__(self) -> None:
        super().__init__()
        self.head, self.total = nn.Linear(3, 5), self.Sum()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.total(self.head(x.mean((2, 3))))


def test_an_operator_that_it_lacks_is_named_with_its_module(tiny_preprocess, tmp_path):
    with pytest.raises(LoweringError, match=r"got aten.topk.default in total; compile with") as e:
        hvit_edge.compile(
            Running().eval(),
            target="native",
            preprocess=tiny_preprocess,
            output=tmp_path / "a.pte",
            min_delegated=1.0,
        )
    assert e.value.exit_code == 2
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("precision", ["fp32", "int8-dynamic"])
def test_an_operator_that_it_lacks_is_left_outside(precision, tiny_preprocess, tmp_path):
    module, path = Running().eval(), tmp_path / "a.pte"
    options = {"target": "native", "precision": precision, "preprocess": tiny_preprocess}
    artifact = hvit_edge.compile(module, output=path, **options)
    report = artifact.report.to_dict()
    reason = "the native backend does not run aten.topk.default in total"
    assert report["ops_outside"] == [
        {"op": "aten.topk.default", "module": "total", "reason": reason}
    ]
    assert report["delegates"] == 1 and 0 < report["delegated_share"] < 1
    assert list(describe(path)["ops_outside"]) == ["aten::topk.values"]
    assert hvit_edge.Session(path).self_test().passed
    assert validate(path, model=module).passed
    with pytest.raises(DelegationError, match=r"(?s)at least 90.0% .*topk.default in total"):
        hvit_edge.compile(module, output=tmp_path / "b.pte", min_delegated=0.9, **options)


REFUSALS = {
    "precision": (
        {"precision": "auto"},
        "expected one of fp32, fp16, int8, int8-dynamic for native, got 'auto'",
    ),
    "cpu": (
        {"cpu": "arm"},
        "cpu: expected none for native in fp32; it belongs to xnnpack, and to native int8 and",
    ),
    "share": ({"min_delegated": 1.5}, "min_delegated: expected a share from 0 to 1, got 1.5"),
    "ios": ({"ios": 17}, "expected none for native; they belong to Core ML"),
    "calibration": ({"calib_data": "photos"}, "expected none with fp32"),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_refusals(name, tiny_model, tiny_preprocess, tmp_path):
    options, message = REFUSALS[name]
    with pytest.raises(InputError, match=message):
        hvit_edge.compile(
            tiny_model,
            target="native",
            preprocess=tiny_preprocess,
            output=tmp_path / "a.pte",
            **options,
        )
    assert os.listdir(tmp_path) == []

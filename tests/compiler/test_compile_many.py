"""Several targets and precisions of one module: one export, and one failure loses one artifact."""

import os

import pytest
import torch
from torch import nn

import hvit_edge
from hvit_edge.compiler import photo_gate, source
from hvit_edge.errors import InputError, InternalError, ParityError
from hvit_edge.targets.native import target as native


@pytest.fixture
def counted(monkeypatch):
    """Count exports and readings of calibration images."""
    calls = {"export": 0, "calibrate": 0}

    def count(module, name, key):
        function = getattr(module, name)

        def call(*args, **kwargs):
            calls[key] += 1
            return function(*args, **kwargs)

        monkeypatch.setattr(module, name, call)

    count(photo_gate, "export_graph", "export")
    count(source, "calibration_inputs", "calibrate")
    return calls


def test_one_export_for_all(apple_model, tiny_preprocess, photo_windows, tmp_path, counted):
    steps = []
    outcomes = hvit_edge.compile_many(
        apple_model,
        targets=["native", "coreml"],
        precisions=["fp32", "int8"],
        preprocess=tiny_preprocess,
        calib_data=photo_windows,
        output=tmp_path,
        on_step=steps.append,
    )
    assert [(one.target, one.precision, one.path.name, one.error) for one in outcomes] == [
        ("native", "fp32", "tinyapple-native-fp32.pte", None),
        ("native", "int8", "tinyapple-native-int8.pte", None),
        ("coreml", "fp32", "tinyapple-coreml-fp32.mlpackage", None),
        ("coreml", "int8", "tinyapple-coreml-int8.mlpackage", None),
    ]
    assert sorted(os.listdir(tmp_path)) == sorted(one.path.name for one in outcomes)
    assert counted == {"export": 1, "calibrate": 1}
    assert [one.artifact.report.reused for one in outcomes] == [(), *3 * [("exported graph",)]]
    assert [one.artifact.report.calibration is not None for one in outcomes] == [0, 1, 0, 1]
    assert "2/4 native int8: quantise" in steps and "4/4 coreml int8: write" in steps
    assert all(step.split(": ")[0] in {s.split(": ")[0] for s in steps} for step in steps)
    assert hvit_edge.Session(outcomes[1].path).self_test().passed


def test_each_artifact_is_that_of_compile(
    apple_model, tiny_preprocess, photo_windows, tmp_path, monkeypatch
):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    common = {"preprocess": tiny_preprocess}
    outcomes = hvit_edge.compile_many(
        apple_model,
        targets=["native"],
        precisions=["fp16", "int8"],
        calib_data=photo_windows,
        output=tmp_path,
        **common,
    )
    for one in outcomes:
        alone = hvit_edge.compile(
            apple_model,
            target=one.target,
            precision=one.precision,
            calib_data=photo_windows if one.precision == "int8" else None,
            output=tmp_path / "alone.pte",
            force=True,
            **common,
        )
        assert one.path.read_bytes() == alone.path.read_bytes()


@pytest.mark.parametrize("raised", [ParityError("[test] no"), KeyError("a bug")])
def test_a_failure_does_not_lose_the_others(
    apple_model, tiny_preprocess, tmp_path, monkeypatch, raised
):
    lower = native.lower

    def failing(graph, example, number, **options):
        if number is native.Number.FLOAT32:
            raise raised
        return lower(graph, example, number, **options)

    monkeypatch.setattr(native, "lower", failing)
    outcomes = hvit_edge.compile_many(
        apple_model,
        targets=["native"],
        precisions=["fp32", "fp16"],
        preprocess=tiny_preprocess,
        output=tmp_path,
    )
    failed, made = outcomes
    assert failed.artifact is None and made.error is None
    expected = ParityError if isinstance(raised, ParityError) else InternalError
    assert type(failed.error) is expected
    assert failed.to_dict() == {
        "target": "native",
        "precision": "fp32",
        "path": str(failed.path),
        "error": str(failed.error),
        "exit_code": expected.exit_code,
    }
    assert os.listdir(tmp_path) == ["tinyapple-native-fp16.pte"]
    assert made.to_dict() == made.artifact.report.to_dict()


class Two(nn.Module):
    def forward(self, x, y):
        return x @ y.transpose(0, 1), x.sum(1)


def test_arrays(tmp_path):
    outcomes = hvit_edge.compile_many(
        Two().eval(),
        targets=["native", "coreml"],
        precisions=["fp32"],
        inputs={"x": torch.randn(2, 4), "y": torch.randn(3, 4)},
        output=tmp_path / "{target}",
    )
    assert [one.path.name for one in outcomes] == ["native.pte", "coreml.mlpackage"]
    assert [one.artifact.report.task for one in outcomes] == ["tensor", "tensor"]
    assert outcomes[1].artifact.report.reused == ("exported graph",)


@pytest.fixture
def no_work(monkeypatch):
    def build(*arguments):
        raise AssertionError("the module was built")

    monkeypatch.setattr(source, "prepare_subject", build)
    monkeypatch.setattr(source, "prepare_arrays", build)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"targets": ["native", "coreml"], "precisions": ["w8"]}, "got native w8"),
        ({"targets": ["native", "xnnpack"], "output": "a.pte"}, "expected a folder, or a pattern"),
        ({"targets": ["native", "xnnpack"], "precisions": ["int8"]}, "expected photos with int8"),
        ({"targets": ["native", "xnnpack"], "rtol": 2.0}, "rtol: expected a number between"),
        (
            {"targets": ["native", "coreml-pte"], "inputs": (torch.zeros(1),)},
            "expected one of xnnpack, native, coreml with inputs",
        ),
    ],
)
def test_refused_before_any_work(options, message, no_work, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError) as caught:
        hvit_edge.compile_many("mobilevit_xxs", weights="random", **options)
    assert message in str(caught.value)


def test_no_output_is_replaced_unless_asked(no_work, tmp_path, monkeypatch):
    """Also if it is the last one that exists."""
    monkeypatch.chdir(tmp_path)
    last = tmp_path / "mobilevit_xxs-native-fp16.pte"
    last.write_text("mine")
    with pytest.raises(InputError, match="got an existing one: mobilevit_xxs-native-fp16.pte"):
        hvit_edge.compile_many("mobilevit_xxs", targets=["native"], precisions=["fp32", "fp16"])
    assert last.read_text() == "mine"


def test_a_module_that_cannot_be_built_is_one_error(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="expected a known name, got 'mobilevit_xxx'"):
        hvit_edge.compile_many("mobilevit_xxx", targets=["native", "coreml"])

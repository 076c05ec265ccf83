import json
import os
import warnings
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

import hvit_edge
from hvit_edge.compiler import photo_gate, pipeline
from hvit_edge.errors import DelegationError, InputError, LoweringError, ParityError
from hvit_edge.models import list_models
from hvit_edge.preprocess import load_image
from hvit_edge.targets.xnnpack import target
from hvit_edge.weights import bundled_photos, weights_digest

FP32_RTOL = 1e-4  # max |delta| <= 1e-4 x max |eager output|


def with_tiers(names: list[str]) -> list:
    """Leave the models whose lowering takes minutes to `make nightly`."""
    largest = {"conformer_s", "conformer_b", "shunted_s", "shunted_b"}
    largest |= {
        f"{head}_mobilevit_{size}" for head in ("deeplabv3", "ssdlite") for size in ("xs", "s")
    }
    assert largest < set(names)
    return [
        pytest.param(name, marks=pytest.mark.nightly if name in largest else ()) for name in names
    ]


@pytest.mark.slow
@pytest.mark.parametrize("name", with_tiers([model.name for model in list_models()]))
def test_every_model_is_one_delegate_and_agrees_with_pytorch(name, whole_artifact, record_property):
    path = whole_artifact(name)
    report = json.loads(path.with_name("report.json").read_text())
    assert report["delegates"] == 1
    assert report["ops_outside"] == []
    assert report["parity"]["max_rel"] <= FP32_RTOL
    assert report["parity"]["top1_agree"] is True
    assert report["bytes"] == path.stat().st_size
    self_test = hvit_edge.Session(path).self_test()
    assert self_test.passed and self_test.max_rel <= FP32_RTOL
    summary = f"max_rel {report['parity']['max_rel']:.1e}, {report['ops_total']} operators"
    record_property("measured", f"{name}: 1 delegate, {summary}")


def test_own_module_gives_pytorchs_answers_to_photos(tiny_artifact, tiny_model, tiny_preprocess):
    session = hvit_edge.Session(tiny_artifact)
    classifier = hvit_edge.Classifier(tiny_artifact)
    for path in bundled_photos():
        array = tiny_preprocess(load_image(path))
        with torch.inference_mode():
            expected = tiny_model(torch.from_numpy(array)).numpy()
        np.testing.assert_allclose(session(array)[0], expected, atol=1e-5 * np.abs(expected).max())
        assert classifier(path)[0].index == expected.argmax()


def test_artifact_says_what_it_is(tiny_artifact, tiny_model, tiny_preprocess):
    metadata = hvit_edge.Session(tiny_artifact).metadata
    assert (metadata.model_name, metadata.target, metadata.precision) == (
        "tinyhybrid",
        "xnnpack",
        "fp32",
    )
    assert metadata.weights_source == "state dict"
    assert metadata.weights_sha256 == weights_digest(tiny_model)
    assert metadata.labels == ("a", "b", "c", "d", "e")
    assert metadata.preprocess.input_size == tiny_preprocess.input_size
    assert metadata.preprocess.mean == pytest.approx(tiny_preprocess.mean)
    assert metadata.versions["torch"] == torch.__version__
    assert 0 < metadata.parity.max_rel <= 1e-5 and metadata.parity.top1_agree


class Largest(nn.Module):
    """An operator that XNNPACK does not have and no rewrite replaces."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(3, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(x.mean((2, 3))).topk(5)[0]


def test_operator_outside_the_delegate_is_named(tiny_preprocess, tmp_path):
    with pytest.raises(DelegationError, match=r"(?s)100.0% .*aten.topk.default in the root") as e:
        hvit_edge.compile(
            Largest().eval(),
            preprocess=tiny_preprocess,
            output=tmp_path / "a.pte",
            min_delegated=1.0,
        )
    assert e.value.exit_code == 4
    assert os.listdir(tmp_path) == []


def test_own_module_may_keep_operators_outside(tiny_preprocess, tmp_path):
    artifact = hvit_edge.compile(
        Largest().eval(), preprocess=tiny_preprocess, output=tmp_path / "a.pte"
    )
    assert [op.op for op in artifact.report.lowered.ops_outside] == ["aten.topk.default"]
    assert hvit_edge.Session(artifact.path).self_test().passed


class Activated(nn.Module):
    """A convolution with SiLU, and a norm of its pixels."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.norm = nn.Conv2d(3, 8, 3), nn.LayerNorm(8, elementwise_affine=False)
        self.mix, self.head = nn.Conv2d(8, 8, 1), nn.Linear(8, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.mix(nn.functional.silu(self.stem(x))).flatten(2).transpose(1, 2)
        return self.head(self.norm(x).mean(1))


@pytest.mark.slow
@pytest.mark.parametrize(
    "cpu, precision, activation",
    [(None, "fp32", "sigmoid"), ("arm", "fp32", "exp"), ("arm", "fp16", "tanh")],
)
def test_a_program_is_shaped_for_a_cpu(cpu, precision, activation, tiny_preprocess, tmp_path):
    """Both programs run on this machine; operators that are slow on Arm are only in the first."""
    artifact = hvit_edge.compile(
        Activated().eval(),
        cpu=cpu,
        precision=precision,
        preprocess=tiny_preprocess,
        output=tmp_path / "a.pte",
        min_delegated=1.0,
    )
    program = artifact.report.lowered.edge.exported_program()
    (delegate,) = [
        module for name, module in program.graph_module.named_children() if "lowered" in name
    ]
    called = " ".join(str(node.target) for node in delegate.original_module.graph.nodes)
    kinds = {kind for kind in ("sigmoid", "exp", "tanh") if f"aten.{kind}." in called}
    assert kinds == {activation}
    assert ("aten.sub." in called) is (activation != "tanh")  # of the norm, or beside exp
    session = hvit_edge.Session(artifact.path)
    assert session.self_test().passed
    assert session.metadata.cpu == (cpu or "any")


@pytest.fixture
def failing_lower(monkeypatch):
    """Make lowering with our patches fail in a given way."""

    def install(fail):
        right = target.lower

        def lower(graph, example, *, plainly=False):
            return right(graph, example, plainly=True) if plainly else fail(graph, example)

        monkeypatch.setattr(target, "lower", lower)

    return install


def refused(graph, example):
    raise LoweringError("[targets] expected a graph that ExecuTorch lowers, got one\nsecond line")


def unloadable(graph, example):
    program = b"no program"
    return SimpleNamespace(delegated_share=1.0, serialize=lambda: program)


FAILURES = {
    refused: "LoweringError: [targets] expected a graph that",
    unloadable: "LoweringError: [compile] expected a program that ExecuTorch loads",
}


@pytest.mark.slow
@pytest.mark.parametrize("fail", FAILURES)
def test_what_our_lowering_fails_at_is_lowered_plainly(
    fail, tiny_model, tiny_preprocess, tmp_path, failing_lower
):
    failing_lower(fail)
    path = tmp_path / "a.pte"
    with pytest.warns(UserWarning, match="tinyhybrid is lowered by stock ExecuTorch"):
        artifact = hvit_edge.compile(tiny_model, preprocess=tiny_preprocess, output=path)
    report = artifact.report.to_dict()
    assert report["fallback"].startswith(FAILURES[fail])
    assert report["delegates"] > 1
    assert [step["name"] for step in report["steps"]] == ["exported", "rewritten", "lowered"]
    session = hvit_edge.Session(path)
    assert session.metadata.fallback == report["fallback"]
    assert session.self_test().passed


def test_the_first_error_is_raised_if_plain_lowering_fails_too(
    tiny_model, tiny_preprocess, tmp_path, failing_lower, monkeypatch
):
    def refused_too(*arguments, **how):
        raise LoweringError("[targets] the second")

    monkeypatch.setattr(target, "lower", refused_too)
    failing_lower(refused)
    with pytest.raises(LoweringError, match="expected a graph that ExecuTorch lowers, got one"):
        hvit_edge.compile(tiny_model, preprocess=tiny_preprocess, output=tmp_path / "a.pte")
    assert os.listdir(tmp_path) == []


def test_what_nothing_failed_at_says_so(tiny_artifact):
    metadata = hvit_edge.Session(tiny_artifact).metadata
    assert (metadata.rewrites_left_out, metadata.fallback) == ("", "")


@pytest.mark.slow
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

    def spoil(graph):
        graph.head.bias = nn.Parameter(graph.head.bias + 0.01)

    monkeypatch.setattr(home, step, wrong)
    named = {"export_graph": "exported", "rewrite": "rewritten", "lower": "lowered"}[step]
    with pytest.raises(
        ParityError, match=rf"expected the {named} program to have max_rel <= 0.0001"
    ):
        hvit_edge.compile(tiny_model, preprocess=tiny_preprocess, output=tmp_path / "a.pte")
    assert os.listdir(tmp_path) == []


def test_interrupt_leaves_no_file(tiny_model, tiny_preprocess, tmp_path, monkeypatch):
    def interrupt(self):
        raise KeyboardInterrupt

    monkeypatch.setattr(hvit_edge.Session, "self_test", interrupt)
    with pytest.raises(KeyboardInterrupt):
        hvit_edge.compile(tiny_model, preprocess=tiny_preprocess, output=tmp_path / "a.pte")
    assert os.listdir(tmp_path) == []


REFUSALS = {
    "target": (
        {"target": "tflite"},
        r"\[compile\] target: expected one of xnnpack, native, coreml.* got 'tflite'",
    ),
    "precision": (
        {"precision": "int3"},
        r"expected one of fp32, fp16, int8, int8-dynamic, auto for xnnpack, got 'int3'",
    ),
    "cpu": ({"cpu": "avr"}, r"cpu: expected one of any, arm, got 'avr'"),
    "cpu of Apple": ({"cpu": "arm", "target": "coreml"}, r"cpu: expected none for coreml"),
    "share": ({"min_delegated": 1.5}, r"min_delegated: expected a share from 0 to 1, got 1.5"),
    "rtol": ({"rtol": 0.0}, r"rtol: expected a number between 0 and 1, got 0.0"),
    "labels": ({"labels": ["cat"]}, r"labels: expected 5, one per class, got 1"),
    "line break": ({"labels": ["a\nb", *"cdef"]}, r"labels: expected no line breaks"),
    "weights": ({"weights": "random"}, r"only with a name or an address"),
    "preprocess": ({"preprocess": None}, r"expected preprocess=Preprocess"),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_refusals(name, tiny_model, tiny_preprocess, tmp_path):
    options, message = REFUSALS[name]
    options = {"preprocess": tiny_preprocess, "output": tmp_path / "a.pte", **options}
    with pytest.raises(InputError, match=message):
        hvit_edge.compile(tiny_model, **options)
    assert os.listdir(tmp_path) == []


def test_existing_output_is_refused_before_any_work(tiny_model, tiny_preprocess, tmp_path):
    path = tmp_path / "a.pte"
    path.write_bytes(b"precious")
    steps = []
    with pytest.raises(InputError, match="force=True"):
        hvit_edge.compile(tiny_model, preprocess=tiny_preprocess, output=path, on_step=steps.append)
    assert (steps, path.read_bytes()) == ([], b"precious")


class Wrong(nn.Module):
    def __init__(self, answer) -> None:
        super().__init__()
        self.answer = answer

    def forward(self, x: torch.Tensor) -> object:
        return self.answer(x)


WRONG_MODULES = {
    "two outputs": (
        lambda x: (x.mean((2, 3)), x.mean((2, 3))),
        r"logits \[1, classes\], got tuple",
    ),
    "an image": (lambda x: x, r"logits \[1, classes\], got \[1, 3, 16, 16\]"),
    "NaN": (lambda x: x.mean((2, 3)) * float("nan"), r"finite logits"),
}


@pytest.mark.parametrize("name", WRONG_MODULES)
def test_wrong_modules(name, tiny_preprocess, tmp_path):
    answer, message = WRONG_MODULES[name]
    with pytest.raises(InputError, match=message):
        hvit_edge.compile(
            Wrong(answer).eval(), preprocess=tiny_preprocess, output=tmp_path / "a.pte"
        )


def test_training_mode_is_refused(tiny_preprocess, tmp_path):
    with pytest.raises((InputError, LoweringError), match=r"eval mode"):
        hvit_edge.compile(nn.Flatten(), preprocess=tiny_preprocess, output=tmp_path / "a.pte")


class Saved(nn.Module):
    """Normalizes, keeps a map for later, and has extra state, like networks of users."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor([0.5, 0.4, 0.3]).view(1, 3, 1, 1))
        self.conv, self.head, self.kept = nn.Conv2d(3, 8, 4, 4), nn.Linear(8, 5), None

    def get_extra_state(self) -> dict:
        return {"version": 1}

    def set_extra_state(self, state: dict) -> None:
        pass

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        warnings.warn("of the module", stacklevel=1)
        self.kept = self.conv(x - self.mean)
        return self.head(self.kept.relu().mean((2, 3)))


def test_module_and_settings_of_the_user_stay_as_they_are(tiny_preprocess, tmp_path):
    torch.manual_seed(0)
    module = Saved().eval()
    module.head.weight.requires_grad_(False)
    tensors = {**dict(module.named_parameters()), **dict(module.named_buffers())}
    before = {name: (tensor, tensor.clone()) for name, tensor in tensors.items()}
    generator, filters = torch.get_rng_state(), list(warnings.filters)
    path = tmp_path / "a.pte"
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        hvit_edge.compile(torch.compile(module), preprocess=tiny_preprocess, output=path)
    assert {str(one.message) for one in caught} == {"of the module"}
    assert (warnings.filters, torch.is_grad_enabled()) == (filters, True)
    assert torch.equal(torch.get_rng_state(), generator)
    after = {**dict(module.named_parameters()), **dict(module.named_buffers())}
    assert after.keys() == before.keys() and module.kept is None and not module.training
    for name, (tensor, value) in before.items():
        assert after[name] is tensor and torch.equal(tensor, value)
    assert [tensor.requires_grad for tensor in module.parameters()] == [True, True, False, True]
    array = tiny_preprocess(load_image(bundled_photos()[0]))
    with torch.no_grad(), pytest.warns(UserWarning, match="of the module"):
        expected = module(torch.from_numpy(array)).numpy()
    np.testing.assert_allclose(hvit_edge.Session(path)(array)[0], expected, rtol=0, atol=1e-5)

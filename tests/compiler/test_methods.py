"""Several input sizes and batches in one artifact: shared weights, and a gate for each method."""

import textwrap

import numpy as np
import pytest
import torch
from torch import nn

import hvit_edge
from hvit_edge.compiler import photo_gate
from hvit_edge.compiler.subject import prepare_subject
from hvit_edge.errors import InputError, ParityError
from hvit_edge.inspection.programs import describe
from hvit_edge.parity import validate
from hvit_edge.preprocess import Preprocess, load_image
from hvit_edge.runtime import Classifier, Session
from hvit_edge.sources.address import check_address
from hvit_edge.targets.executorch import executorch_run
from hvit_edge.weights import bundled_photos

SIZES = [32, (32, 48)]
BATCHES = [1, 2]
NAMES = ["32x32", "32x48", "32x32-batch2", "32x48-batch2"]
RTOL = 1e-5  # float32, other orders of summation
SHARE = 1.05
PER_METHOD = 16 * 1024  # bytes: operators, golden output and the names of fields
FACTORY = """
    import os

    import torch
    from torch import nn

    class Hybrid(nn.Module):
        def __init__(self):
            super().__init__()
            self.stem = nn.Conv2d(3, 32, 3, stride=4, padding=1)
            self.norm = nn.BatchNorm2d(32)
            self.inner, self.outer = nn.Linear(32, 2048), nn.Linear(2048, 32)
            self.scale = nn.LayerNorm(32)
            self.head = nn.Linear(32, 5)

        def forward(self, x):
            x = nn.functional.silu(self.norm(self.stem(x))).flatten(2).transpose(1, 2)
            x = self.scale(x + (x @ x.transpose(1, 2) / 6).softmax(-1) @ x)
            x = x + self.outer(nn.functional.gelu(self.inner(x)))
            return self.head(x.mean(1))

    class OfOneSize(Hybrid):
        def forward(self, x):
            if x.shape[3] != 32:
                raise ValueError("my windows are for 32 pixels")
            return super().forward(x)

    def make(seed=0):
        torch.manual_seed(seed)
        return Hybrid().eval()

    def redrawn():
        return make(int.from_bytes(os.urandom(4), "little"))

    def of_one_size():
        return OfOneSize().eval()
"""


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("factory") / "hybrid.py"
    path.write_text(textwrap.dedent(FACTORY))
    return path


def compiled(file, target, output, **options):
    return hvit_edge.compile(
        f"{file}:make", target=target, preprocess="imagenet", output=output, **options
    )


@pytest.fixture(scope="module", params=["native", pytest.param("xnnpack", marks=pytest.mark.slow)])
def artifact(request, file, tmp_path_factory):
    output = tmp_path_factory.mktemp(request.param) / "a.pte"
    return compiled(file, request.param, output, input_sizes=SIZES, batches=BATCHES)


def test_the_report_has_every_method_with_its_steps(artifact):
    report = artifact.report.to_dict()
    assert [method["name"] for method in report["methods"]] == NAMES
    assert [method["batch"] for method in report["methods"]] == [1, 1, 2, 2]
    assert report["methods"][1]["input_size"] == [32, 48]
    for method in report["methods"]:
        assert [step["name"] for step in method["steps"]][:2] == ["exported", "rewritten"]
        assert len(method["steps"]) == 3 and all(step["passed"] for step in method["steps"])
        assert method["parity"]["max_rel"] <= RTOL
        assert (method["delegates"], method["ops_outside"]) == (1, 0)
    assert report["parity"] == report["methods"][0]["parity"]


def test_the_weights_are_stored_once(artifact, file, tmp_path):
    target = artifact.report.target
    alone = compiled(file, target, tmp_path / "alone.pte", input_size=SIZES[0])
    assert alone.report.bytes > 8 * PER_METHOD  # so that a second copy would be seen
    most = SHARE * alone.report.bytes + PER_METHOD * (len(NAMES) - 1)
    assert artifact.path.stat().st_size == artifact.report.bytes <= most
    assert alone.report.to_dict()["methods"] == []


def test_every_method_computes_what_pytorch_does(artifact, file):
    given = (check_address(f"{file}:make", "test"), None, None, None)
    session = Session(artifact.path)
    assert [method.name for method in session.metadata.methods] == NAMES
    rng = np.random.default_rng(0)
    for method in session.metadata.methods:
        session.select(method.name)
        assert session.inputs[0].shape == (method.batch, 3, *method.size)
        assert session.metadata.preprocess.input_size == method.size
        module = prepare_subject(*given, method.size, None, "imagenet", None).module
        array = rng.standard_normal(session.inputs[0].shape).astype(np.float32)
        with torch.no_grad():
            expected = module(torch.from_numpy(array)).numpy()
        np.testing.assert_allclose(session(array)[0], expected, atol=RTOL * abs(expected).max())
        result = session.self_test()
        assert result.passed and result.max_rel <= RTOL
        only = Session(artifact.path, method=method.name)
        np.testing.assert_array_equal(only(array)[0], session(array)[0])
        assert only.metadata == session.metadata


def test_a_photo_runs_at_the_size_that_crops_the_least_of_it(artifact):
    photo = load_image(bundled_photos()[0])
    classifier = Classifier(artifact.path)
    for shape, name in (((90, 90), "32x32"), ((60, 90), "32x48"), ((90, 60), "32x32")):
        image = photo[: shape[0], : shape[1]]
        logits = classifier.logits(image)
        assert classifier.metadata.method == name
        named = Classifier(artifact.path, method=name)
        np.testing.assert_array_equal(logits, named.logits(image))
        array = classifier.metadata.preprocess(image)
        expected = Session(artifact.path, method=name)(array)[0]
        np.testing.assert_allclose(logits, expected, atol=1e-3 * abs(expected).max())


def test_what_is_not_there_is_refused_with_the_closest_name(artifact):
    session = Session(artifact.path)
    with pytest.raises(InputError, match="expected one of the methods 32x32, .* mean '32x48'"):
        session.select("32x4")
    with pytest.raises(InputError, match=r"^\[Session.load\] expected one of the methods"):
        Session(artifact.path, method="64x64")
    with pytest.raises(InputError, match="method: expected a name, got 3"):
        Classifier(artifact.path, method=3)
    with pytest.raises(InputError, match="expected a method with a batch of 1, got 32x32-batch2"):
        Classifier(artifact.path, method="32x32-batch2")
    assert session.metadata.method == "32x32"


def test_inspect_lists_the_methods(artifact):
    facts = describe(artifact.path)
    assert [method["name"] for method in facts["methods"]] == NAMES
    assert facts["methods"][3]["input_size"] == [32, 48] and facts["methods"][3]["batch"] == 2
    sizes = [method["planned_memory_bytes"] for method in facts["methods"]]
    assert facts["planned_memory_bytes"] == sizes[0] < sizes[1] < sizes[3]
    assert all(list(method["delegates"].values()) == [1] for method in facts["methods"])
    assert all(method["ops_outside"] == {} for method in facts["methods"])


def test_validate_judges_each_method(artifact, file):
    report = validate(artifact.path, model=f"{file}:make")
    assert report.passed
    assert [report.method, *(other.method for other in report.others)] == NAMES
    for one in (report, *report.others):
        assert one.steps[-1].name == "runtime" and one.steps[-1].difference.max_rel <= RTOL
    (only,) = [validate(artifact.path, model=f"{file}:make", method="32x48-batch2")]
    assert (only.method, only.others) == ("32x48-batch2", ())
    assert only.to_dict()["steps"] == report.to_dict()["others"][-1]["steps"]


@pytest.mark.slow
def test_readers_that_know_no_methods_run_the_first(file, tmp_path):
    output = tmp_path / "a.pte"
    compiled(file, "xnnpack", output, input_sizes=SIZES)
    array = np.random.default_rng(1).standard_normal((1, 3, 32, 32)).astype(np.float32)
    (found,) = executorch_run(output.read_bytes())((array,))
    np.testing.assert_allclose(found, Session(output)(array)[0], atol=RTOL * abs(found).max())


def test_int8_is_calibrated_and_judged_in_each_batch(tmp_path):
    torch.manual_seed(0)
    stem = [nn.Conv2d(3, 32, 3, stride=2, padding=1), nn.ReLU(), nn.Conv2d(32, 32, 3), nn.ReLU()]
    module = nn.Sequential(*stem, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 5)).eval()
    made = hvit_edge.compile(
        module,
        target="native",
        precision="int8-dynamic",
        preprocess=Preprocess((24, 32), resize_size=32),
        output=tmp_path / "int8.pte",
        batches=[1, 3],
    )
    for method in made.report.methods:
        assert [step.name for step in method.steps][2:] == ["quantised", "fidelity", "runtime"]
    session = Session(made.path)
    for method in session.metadata.methods:
        session.select(method.name)
        assert session.self_test().passed and session.metadata.layers
    report = validate(made.path, model=module, method=session.metadata.methods[1].name)
    assert "fidelity" in [step.name for step in report.steps] and report.passed


def test_a_gate_of_any_method_stops_the_artifact(file, tmp_path, monkeypatch):
    judge = photo_gate.judge

    def failing(name, outputs, expected, *rest):
        if name == "runtime" and outputs[0].shape[0] == 2:
            outputs = [-outputs[0]]
        return judge(name, outputs, expected, *rest)

    monkeypatch.setattr(photo_gate, "judge", failing)
    with pytest.raises(ParityError, match="nothing was written"):
        compiled(file, "native", tmp_path / "a.pte", input_size=32, batches=BATCHES)
    assert list(tmp_path.iterdir()) == []


def test_a_size_that_the_module_does_not_take_is_named_before_any_lowering(file, tmp_path):
    steps = []
    with pytest.raises(Exception, match="my windows are for 32 pixels") as refused:
        hvit_edge.compile(
            f"{file}:of_one_size",
            target="native",
            preprocess="imagenet",
            output=tmp_path / "a.pte",
            input_sizes=SIZES,
            on_step=steps.append,
        )
    assert "at the input size 32x48" in str(refused.value)
    assert steps == ["build"]


def test_weights_that_are_drawn_again_at_every_size_are_refused(file, tmp_path):
    with pytest.raises(InputError, match="same weights at every input size, got others at 32x48"):
        hvit_edge.compile(
            f"{file}:redrawn",
            target="native",
            preprocess="imagenet",
            output=tmp_path / "a.pte",
            input_sizes=SIZES,
        )

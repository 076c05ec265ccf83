"""Modules of any inputs and outputs give the answers of eager PyTorch after compilation."""

import importlib

import numpy as np
import pytest
import torch
from torch import nn

import hvit_edge
from hvit_edge import InputSpec
from hvit_edge.errors import ArtifactError, LoweringError, ParityError
from hvit_edge.inspection.programs import describe
from hvit_edge.lowering.graph import module_path
from hvit_edge.quantize.int8_operators import LINEAR
from hvit_edge.targets.xnnpack import target

RTOL = 1e-5  # float32, sums in another order
TARGETS = ("xnnpack", "native")


class TwoHeads(nn.Module):
    """Has two inputs and a dict of two outputs; one output is computed from the other."""

    def __init__(self):
        super().__init__()
        self.x, self.y, self.head = nn.Linear(5, 8), nn.Linear(3, 8), nn.Linear(8, 4)

    def forward(self, x, y):
        features = torch.relu(self.x(x) + self.y(y))
        return {"features": features, "logits": self.head(features)}


class Segmenter(nn.Module):
    """Maps images of four channels to a map of classes at half the size."""

    def __init__(self):
        super().__init__()
        self.stem, self.head = nn.Conv2d(4, 8, 3, stride=2, padding=1), nn.Conv2d(8, 3, 1)

    def forward(self, image):
        return self.head(torch.relu(self.stem(image)))


class Mixed(nn.Module):
    """Has inputs of bytes, integers and booleans, each converted to float32 directly."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(4, 3)

    def forward(self, pixels, counts, mask, offset):
        scaled = self.linear(pixels.float() / 255)
        return scaled * mask.unsqueeze(0).float(), scaled + counts.to(torch.float32) + offset


class Tokens(nn.Module):
    """Reads rows of a table with a mask, and returns the index of the largest value."""

    def __init__(self):
        super().__init__()
        self.table, self.head = nn.Embedding(10, 6), nn.Linear(6, 2)

    def forward(self, ids, mask):
        tokens = self.table(ids) * mask.unsqueeze(-1)
        return self.head(tokens), tokens.argmax(-1)


class Repeats(nn.Module):
    """Returns one output twice, an unchanged input, a view and a constant."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(4, 3)
        self.register_buffer("bias", torch.arange(3.0))

    def forward(self, x):
        y = self.linear(x)
        return y, y, x, y.reshape(3, 2), self.bias


class Scalars(nn.Module):
    """A number in, a number out."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(4, 3)

    def forward(self, x, step):
        return self.linear(x).mean() * step


def spec(name, *shape, dtype="float32", low=None, high=None):
    return InputSpec(name, shape, dtype, None if low is None else (low, high))


MIXED = [
    spec("pixels", 2, 4, dtype="uint8", low=0, high=255),
    spec("counts", 2, 3, dtype="int32", low=-5, high=5),
    spec("mask", 3, dtype="bool"),
    spec("offset", 3, dtype="int64", low=0, high=9),
]
CASES = {
    "two heads": (TwoHeads, [spec("x", 1, 5), spec("y", 1, 3)], ["features", "logits"]),
    "batch of 4": (TwoHeads, [spec("x", 4, 5), spec("y", 4, 3)], ["features", "logits"]),
    "by another order": (TwoHeads, [spec("y", 2, 3), spec("x", 2, 5)], ["features", "logits"]),
    "segmentation": (Segmenter, [spec("image", 1, 4, 8, 10)], ["output"]),
    "batch of images": (Segmenter, [spec("image", 2, 4, 8, 8)], ["output"]),
    "regression": (lambda: nn.Linear(4, 1), [spec("input", 4, 4)], ["output"]),
    "five axes": (lambda: nn.Linear(4, 3), [spec("input", 2, 3, 2, 2, 4)], ["output"]),
    "dtypes": (Mixed, MIXED, ["output_0", "output_1"]),
    "repeats": (Repeats, [spec("x", 2, 4)], [f"output_{index}" for index in range(5)]),
    "scalars": (Scalars, [spec("x", 2, 4), spec("step")], ["output"]),
}
TOKENS = [spec("ids", 1, 7, dtype="int64", low=0, high=9), spec("mask", 1, 7, dtype="bool")]


def built(module):
    torch.manual_seed(0)
    return module().eval()


def eager(module, arrays):
    """Return the outputs of the module as a flat list, for arrays by name."""
    with torch.no_grad():
        found = module(**{name: torch.from_numpy(array) for name, array in arrays.items()})
    found = list(found.values()) if isinstance(found, dict) else found
    return [one.numpy() for one in (found if isinstance(found, list | tuple) else [found])]


def others(specs, seed=5):
    """Return inputs that were not used in the compilation."""
    generator = np.random.default_rng(seed)
    return {one.name: np.asarray(one.draw(generator)) for one in specs}


def check_answers(path, module, specs):
    session = hvit_edge.Session(path)
    arrays = others(specs)
    expected = eager(module, arrays)
    found = session.run(arrays)
    assert list(found) == [one.name for one in session.outputs]
    row = session(*(arrays[one.name] for one in session.inputs))
    for wanted, one, other, of in zip(expected, found.values(), row, session.outputs, strict=True):
        assert (one.shape, one.dtype) == (wanted.shape, wanted.dtype)
        assert (of.shape, of.dtype) == (wanted.shape, wanted.dtype.name)
        scale = max(1e-3, np.abs(wanted).max())
        np.testing.assert_allclose(one, wanted, atol=RTOL * scale, rtol=0)
        np.testing.assert_array_equal(one, other)
    assert session.self_test().passed


@pytest.mark.slow
@pytest.mark.parametrize("target", TARGETS)
def test_every_kind_of_input_and_output_runs_as_in_pytorch(target, tmp_path):
    for name, (module, specs, outputs) in CASES.items():
        model, path = built(module), tmp_path / f"{name}.pte"
        artifact = hvit_edge.compile(model, inputs=specs, target=target, output=path)
        report = artifact.report.to_dict()
        assert report["task"] == "tensor", name
        assert [one["name"] for one in report["inputs"]] == [one.name for one in specs], name
        assert [one["name"] for one in report["outputs"]] == outputs, name
        assert report["sample_source"].startswith("drawn: "), name
        assert [one["name"] for one in report["steps"][-1]["outputs"]] == outputs, name
        if name != "dtypes":
            assert (report["delegates"], report["ops_outside"]) == (1, []), name
        check_answers(path, model, specs)


def test_integers_that_are_looked_up_and_given(tmp_path):
    model, path = built(Tokens), tmp_path / "tokens.pte"
    artifact = hvit_edge.compile(model, inputs=TOKENS, output=path)
    outside = {one["op"] for one in artifact.report.to_dict()["ops_outside"]}
    assert any("embedding" in op for op in outside)
    check_answers(path, model, TOKENS)
    session = hvit_edge.Session(path)
    assert [one.dtype for one in session.outputs] == ["float32", "int64"]
    metadata = session.metadata
    assert (metadata.task, metadata.schema_version, metadata.preprocess) == ("tensor", 2, None)
    assert (metadata.input_names, metadata.output_names) == (
        ("ids", "mask"),
        ("output_0", "output_1"),
    )
    facts = describe(path)
    assert facts["inputs"][0] == {"name": "ids", "dtype": "int64", "shape": [1, 7]}
    with pytest.raises(
        ArtifactError, match="task classify, got one of the task tensor; use Session"
    ):
        hvit_edge.Classifier(path)


def test_native_names_what_it_does_not_run(tmp_path):
    with pytest.raises(LoweringError) as caught:
        hvit_edge.compile(
            built(Tokens),
            inputs=TOKENS,
            target="native",
            min_delegated=1,
            output=tmp_path / "a.pte",
        )
    assert "aten.embedding.default in table" in str(caught.value)
    assert not list(tmp_path.iterdir())


class Mlp(nn.Module):
    def __init__(self):
        super().__init__()
        self.x, self.y, self.head = nn.Linear(16, 64), nn.Linear(8, 64), nn.Linear(64, 12)

    def forward(self, x, y):
        hidden = torch.relu(self.x(x) * torch.sigmoid(self.y(y)))
        return {"hidden": hidden, "logits": self.head(hidden)}


@pytest.mark.parametrize(
    ("target", "precision"),
    [("xnnpack", "fp16"), ("xnnpack", "int8"), ("native", "int8"), ("native", "int8-dynamic")],
)
def test_lower_precisions_are_gated_output_by_output(target, precision, tmp_path):
    rng, model = np.random.default_rng(1), built(Mlp)
    x = rng.standard_normal((40, 6, 16)).astype(np.float32)
    y = rng.standard_normal((40, 6, 8)).astype(np.float32)
    np.savez(tmp_path / "calibration.npz", x=x, y=y)
    artifact = hvit_edge.compile(
        model,
        inputs=(x[0], y[0]),
        target=target,
        precision=precision,
        calib_data=tmp_path / "calibration.npz" if precision == "int8" else None,
        output=tmp_path / "a.pte",
    )
    report = artifact.report.to_dict()
    assert [one["name"] for one in report["steps"]][2:4] == ["quantised", "fidelity"]
    assert report["steps"][3]["layer_db"] >= 40  # errors of arithmetic on the program's own values
    assert report["sample_source"] == "argument"
    if precision == "int8":
        assert report["calibration"]["images"] == 40
    session = hvit_edge.Session(artifact.path)
    assert session.self_test().passed
    expected = eager(model, {"x": x[7], "y": y[7]})
    for wanted, found in zip(expected, session(x[7], y[7]), strict=True):
        noise = np.linalg.norm(found - wanted) / np.linalg.norm(wanted)
        assert noise < (2e-3 if precision == "fp16" else 0.1)


@pytest.mark.parametrize("wanted", ["x", "head"])
@pytest.mark.parametrize("target", TARGETS)
def test_a_layer_that_is_lowered_wrongly_is_named(target, wanted, tmp_path, monkeypatch):
    module = importlib.import_module(f"hvit_edge.targets.{target}.target")
    name = "program_values" if target == "xnnpack" else "native_int8_values"
    values = getattr(module, name)

    def wrong(graph, *given):
        found = values(graph, *given)
        layers = [node for node in graph.graph.nodes if node.name in found]
        (place,) = (n for n in layers if n.target is LINEAR and module_path(n) == wanted)
        return {**found, place.name: found[place.name].flip(-1)}

    monkeypatch.setattr(module, name, wrong)
    with pytest.raises(
        ParityError, match=rf"expected {wanted}:\S+ of the program to compute"
    ) as at:
        hvit_edge.compile(
            built(Mlp),
            inputs=(np.ones((6, 16), np.float32), np.ones((6, 8), np.float32)),
            target=target,
            precision="int8-dynamic",
            output=tmp_path / "a.pte",
        )
    assert "nothing was written; the lowering is wrong" in str(at.value)
    assert not list(tmp_path.iterdir())


def test_a_wrong_output_is_named_and_nothing_is_written(tmp_path, monkeypatch):
    run = target.executorch_run

    def altered(program):
        step = run(program)
        return lambda arrays: (step(arrays)[0], step(arrays)[1] * np.float32(1.01))

    monkeypatch.setattr(target, "executorch_run", altered)
    with pytest.raises(ParityError) as caught:
        hvit_edge.compile(built(TwoHeads), inputs=CASES["two heads"][1], output=tmp_path / "a.pte")
    message = str(caught.value)
    assert "the lowered program" in message and "got logits: expected max_rel <= 0.0001" in message
    assert "features:" not in message
    assert not list(tmp_path.iterdir())


def test_the_users_module_and_arrays_stay_as_they_were(tmp_path):
    class Writes(nn.Module):
        def forward(self, x):
            return x.mul_(2).add_(1)

    given = np.linspace(-1, 1, 6, dtype=np.float32).reshape(2, 3)
    module, x = Writes().eval(), given.copy()
    hvit_edge.compile(module, inputs=x, output=tmp_path / "a.pte")
    np.testing.assert_array_equal(x, given)
    (answer,) = hvit_edge.Session(tmp_path / "a.pte")(given)
    np.testing.assert_allclose(answer, 2 * given + 1, rtol=1e-6)


def test_a_registered_image_model_of_a_batch(tmp_path):
    images = InputSpec("x", (3, 3, 64, 64), range=(-1, 1))
    path = tmp_path / "a.pte"
    options = {"weights": "cifar10", "target": "native", "output": path}
    hvit_edge.compile("mobilevit_xxs", inputs=[images], **options)
    model = hvit_edge.create_model("mobilevit_xxs", weights="cifar10")
    arrays = others([images])
    with torch.no_grad():
        expected = model(torch.from_numpy(arrays["x"])).numpy()
    found = hvit_edge.Session(path)(arrays["x"])[0]
    np.testing.assert_allclose(found, expected, atol=RTOL * np.abs(expected).max())
    assert hvit_edge.validate(path).passed

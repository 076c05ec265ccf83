"""Validation of artifacts of arrays with the golden sample, drawn samples and user samples."""

import numpy as np
import pytest
import torch
from torch import nn

import hvit_edge
from hvit_edge import InputSpec, lowering
from hvit_edge.cli import main
from hvit_edge.errors import InputError
from hvit_edge.lowering import rewrite
from hvit_edge.targets.xnnpack import target

SPECS = [InputSpec("x", (1, 5)), InputSpec("y", (1, 3), range=(-1, 1))]


class TwoHeads(nn.Module):
    def __init__(self):
        super().__init__()
        self.x, self.y, self.head = nn.Linear(5, 8), nn.Linear(3, 8), nn.Linear(8, 4)

    def forward(self, x, y):
        features = torch.relu(self.x(x) + self.y(y))
        return {"features": features, "logits": self.head(features)}


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    return TwoHeads().eval()


@pytest.fixture(scope="module")
def drawn(model, tmp_path_factory):
    """Compile an artifact whose inputs are declared."""
    path = tmp_path_factory.mktemp("drawn") / "a.pte"
    return hvit_edge.compile(model, inputs=SPECS, target="native", output=path).path


@pytest.fixture(scope="module")
def given(model, tmp_path_factory):
    """Compile an int8 artifact for XNNPACK with a given sample."""
    path = tmp_path_factory.mktemp("given") / "a.pte"
    options = {"precision": "int8-dynamic", "output": path}
    return hvit_edge.compile(model, inputs=sample(), **options).path


def sample(count=None, seed=3):
    rng = np.random.default_rng(seed)
    front = (1,) if count is None else (count, 1)
    return {
        "x": rng.standard_normal((*front, 5)).astype(np.float32),
        "y": rng.standard_normal((*front, 3)).astype(np.float32),
    }


def test_declared_inputs_are_drawn_again_and_said_to_be(drawn, model):
    report = hvit_edge.validate(drawn, model=model).to_dict()
    assert report["passed"] and report["task"] == "tensor"
    assert report["images"] == 5
    assert report["samples"] == (
        "the golden sample (drawn: x float32 [1, 5] normal; y float32 [1, 3] from -1 to 1), and 4"
        " drawn like it"
    )
    assert [step["name"] for step in report["steps"]] == ["exported", "rewritten", "runtime"]
    for step in report["steps"]:
        assert [one["name"] for one in step["outputs"]] == ["features", "logits"]
        assert all(one["max_rel"] <= 1e-4 and one["passed"] for one in step["outputs"])


def test_a_given_sample_is_the_golden_one_and_lower_precision_has_its_graph(given, model):
    report = hvit_edge.validate(given, model=model).to_dict()
    assert report["passed"] and report["images"] == 1
    assert report["samples"] == "the golden sample (argument)"
    names = [step["name"] for step in report["steps"]]
    assert names == ["exported", "rewritten", "fidelity", "lowered", "runtime"]
    assert report["layers"] and report["worst_image"]["name"] == "golden"


def test_samples_of_the_user(drawn, model, tmp_path):
    np.savez(tmp_path / "s.npz", **sample(7))
    for given_sample, count in (
        (tmp_path / "s.npz", 7),
        (sample(), 1),
        (tuple(sample().values()), 1),
        (dict(reversed(sample().items())), 1),
    ):
        report = hvit_edge.validate(drawn, model=model, sample=given_sample)
        assert report.passed and report.images == count


def test_a_program_that_errs_in_one_output_is_found(drawn, model, monkeypatch):
    call = hvit_edge.Session.__call__

    def altered(self, *arrays):
        features, logits = call(self, *arrays)
        return features, logits + np.float32(0.01)

    monkeypatch.setattr(hvit_edge.Session, "__call__", altered)
    report = hvit_edge.validate(drawn, model=model)
    assert report.first_break == "runtime"
    assert [one.passed for one in report.steps[-1].outputs] == [True, False]


def test_bisect_names_the_module_that_a_rewrite_breaks(drawn, model, monkeypatch):
    def wrong(graph, passes):
        rewrite(graph, passes=passes)
        layer = graph.get_submodule("model.head")
        layer.bias = nn.Parameter(layer.bias + 0.5)

    for module in ("output_steps", "bisect"):
        monkeypatch.setattr(f"hvit_edge.parity.{module}.rewrite", wrong)
    report = hvit_edge.validate(drawn, model=model, bisect=True)
    assert (report.first_break, report.first_module) == ("rewritten", "head")


def test_bisect_names_the_module_that_is_exported_wrongly(drawn, model, monkeypatch):
    export = lowering.export_graph

    def wrong(function, inputs, **options):
        graph = export(function, inputs, **options)
        layer = graph.get_submodule("model.y")
        layer.bias = nn.Parameter(layer.bias + 0.5)
        return graph

    monkeypatch.setattr("hvit_edge.parity.bisect.export_graph", wrong)
    report = hvit_edge.validate(drawn, model=model, bisect=True)
    assert (report.first_break, report.first_module) == ("exported", "y")


def test_bisect_names_the_module_that_is_lowered_wrongly(drawn, model, monkeypatch):
    call = hvit_edge.Session.__call__

    def altered(self, *arrays):
        return [array + np.float32(0.5) for array in call(self, *arrays)]

    # The first call is of the artifact; the bisection runs a program of its own.
    monkeypatch.setattr(hvit_edge.Session, "__call__", altered)
    report = hvit_edge.validate(drawn, model=model, bisect=True)
    assert (report.first_break, report.first_module) == ("runtime", "x")


def test_bisect_names_the_layer_of_a_quantized_program(given, model, monkeypatch):
    values = target.program_values

    def swapped(graph, lowered, inputs):
        found = values(graph, lowered, inputs)
        head = next(name for name in found if found[name].shape == (1, 4))
        return {**found, head: found[head].flip(-1)}

    monkeypatch.setattr(target, "program_values", swapped)
    report = hvit_edge.validate(given, model=model, rtol=1e-7, bisect=True)
    assert report.first_module.startswith("head:")
    assert report.worst_layer == report.layers[0]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sample": (np.zeros((1, 5), np.float32),)}, "expected the inputs x, y, got 1 arrays"),
        ({"sample": {"x": 0, "y": 0}}, "x: expected float32, .* got int"),
        (
            {"sample": {**sample(), "y": np.zeros((2, 3), np.float32)}},
            r"expected x float32 \[1, 5\], y float32 \[1, 3\], got y float32 \[2, 3\]",
        ),
        ({"data": "photos"}, "data: expected none, got photos; pass sample="),
    ],
)
def test_refusals(drawn, model, options, message):
    with pytest.raises(InputError, match=message) as caught:
        hvit_edge.validate(drawn, model=model, **options)
    assert str(caught.value).startswith("[validate] ")


def test_another_module_is_refused(drawn):
    torch.manual_seed(1)
    with pytest.raises(InputError, match="expected the weights that the artifact was made from"):
        hvit_edge.validate(drawn, model=TwoHeads().eval())


def test_verbs_of_photos_name_what_to_use(drawn, capsys):
    assert main(["run", str(drawn), "photo.jpg"]) == 2
    assert "use Session, which takes and returns arrays" in capsys.readouterr().err
    assert main(["eval", str(drawn), "photos"]) == 2
    assert "use Session, which takes and returns arrays" in capsys.readouterr().err


def test_inspect_shows_the_arrays(drawn, capsys):
    assert main(["inspect", str(drawn)]) == 0
    out = capsys.readouterr().out
    assert "x: float32 [1, 5]" in out and "logits: float32 [1, 4]" in out
    assert "tensor: arrays in, arrays out" in out and "preprocessing" not in out

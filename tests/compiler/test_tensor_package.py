"""Packages of arrays, run by the reference evaluator."""

import numpy as np
import pytest
import torch
from torch import nn

import hvit_edge
from hvit_edge import InputSpec, PackageSession
from hvit_edge.errors import ArtifactError, InputError, LoweringError
from hvit_edge.targets.coreml.feature_names import feature_names


class TwoHeads(nn.Module):
    """Has a table, a numeric input, and two outputs whose names are not identifiers."""

    def __init__(self):
        super().__init__()
        self.table, self.x, self.head = nn.Embedding(9, 8), nn.Linear(5, 8), nn.Linear(8, 4)

    def forward(self, ids, x):
        features = torch.relu(self.table(ids) + self.x(x))
        return {"2nd": (features, self.head(features)), "x": features}


SPECS = [InputSpec("ids", (3,), "int64", (0, 8)), InputSpec("x", (3, 5))]


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    return TwoHeads().eval()


@pytest.fixture(scope="module")
def package(model, tmp_path_factory):
    path = tmp_path_factory.mktemp("package") / "a.mlpackage"
    return hvit_edge.compile(model, inputs=SPECS, target="coreml", output=path)


def test_the_package_gives_the_modules_outputs(package, model):
    report = package.report.to_dict()
    steps = [step["name"] for step in report["steps"]]
    assert steps == ["exported", "rewritten", "quantised", "fidelity", "evaluated"]
    session = PackageSession(package.path)
    assert [(one.name, one.dtype) for one in session.inputs] == [("ids", "int64"), ("x", "float32")]
    assert [one.name for one in session.outputs] == ["2nd.0", "2nd.1", "x"]
    generator = np.random.default_rng(4)
    arrays = {one.name: one.draw(generator) for one in SPECS}
    with torch.no_grad():
        answer = model(**{name: torch.from_numpy(array) for name, array in arrays.items()})
    found = session.run(arrays)
    for name, wanted in zip(found, (*answer["2nd"], answer["x"]), strict=True):
        wanted = wanted.numpy()
        np.testing.assert_allclose(found[name], wanted, atol=4e-3 * np.abs(wanted).max())
    assert hvit_edge.validate(package.path, model=model).passed


def test_the_package_says_what_it_is(package):
    metadata = PackageSession(package.path).metadata
    assert (metadata.task, metadata.schema_version, metadata.preprocess) == ("tensor", 2, None)
    assert metadata.input_names == ("ids", "x")
    assert metadata.output_names == ("2nd.0", "2nd.1", "x")
    with pytest.raises(ArtifactError, match="task tensor: .*; use hvit_edge.PackageSession"):
        from hvit_edge.devices.open_artifact import open_classifier

        open_classifier(package.path)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ((np.zeros(3, np.int64),), "expected 2 arrays, got 1"),
        ((np.zeros(3, np.int32), np.zeros((3, 5), np.float32)), r"ids: expected int64 \[3\], got"),
        ((np.zeros(3, np.int64), [1.0]), r"x: expected float32 \[3, 5\], got list"),
    ],
)
def test_wrong_arrays(package, arrays, message):
    with pytest.raises(InputError, match=message):
        PackageSession(package.path)(*arrays)


def test_core_ml_has_no_arrays_without_an_axis(tmp_path):
    with pytest.raises(LoweringError, match=r"expected inputs and outputs of 1 to 5 axes, got inp"):
        hvit_edge.compile(
            nn.Identity().eval(),
            inputs=np.array(1.0, np.float32),
            target="coreml",
            output=tmp_path / "a.mlpackage",
        )


def test_names_become_identifiers_and_stay_apart():
    inputs, outputs = feature_names(("x", "a.b", "1"), ("x", "a_b", "logits", "x_0"))
    assert inputs == ("x", "a_b", "_1")
    assert outputs == ("x_0", "a_b_1", "logits", "x_0_3")
    assert len({*inputs, *outputs}) == 7

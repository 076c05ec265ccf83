"""Compiling to Core ML packages."""

import json
import os
import re

import numpy as np
import pytest
import torch
from torch import nn

import hvit_edge
import hvit_edge.inspection.programs
from hvit_edge.coreml import load_program, read_package
from hvit_edge.coreml.runner import PackageClassifier
from hvit_edge.errors import ArtifactError, InputError, LoweringError, ParityError
from hvit_edge.preprocess import IMAGENET_MEAN, IMAGENET_STD, Preprocess, load_image
from hvit_edge.targets.coreml import build
from hvit_edge.targets.coreml import target as coreml
from hvit_edge.weights import bundled_photos, weights_digest

# Cosine over the bundled photos of the bundled classifier.
LEAST_COSINE = {"fp32": 0.9999999, "fp16": 0.9999, "w4": 0.9, "int8": 0.99}


@pytest.fixture(scope="module")
def bundled():
    return hvit_edge.create_model("mobilevit_xxs", weights="cifar10")


def answers(model, classifier):
    """Return the logits of PyTorch and of the package for the bundled photos."""
    preprocess, expected, found = classifier.metadata.preprocess, [], []
    for path in bundled_photos():
        with torch.inference_mode():
            expected.append(model(torch.from_numpy(preprocess(load_image(path)))).numpy())
        found.append(classifier.logits(path))
    return np.concatenate(expected), np.concatenate(found)


@pytest.mark.slow
@pytest.mark.parametrize("precision", LEAST_COSINE)
def test_bundled_classifier(precision, bundled, photo_windows, tmp_path, record_property):
    path = tmp_path / "a.mlpackage"
    artifact = hvit_edge.compile(
        "mobilevit_xxs",
        weights="cifar10",
        target="coreml",
        precision=precision,
        calib_data=photo_windows if precision == "int8" else None,
        output=path,
    )
    classifier = PackageClassifier(path)
    expected, found = answers(bundled, classifier)
    cosine = (expected * found).sum() / np.linalg.norm(expected) / np.linalg.norm(found)
    assert cosine >= LEAST_COSINE[precision]
    assert expected.shape == (4, 10)
    assert classifier(next(p for p in bundled_photos() if p.stem == "chelsea"))[0].label == "cat"
    assert classifier.self_test().passed
    assert artifact.path == path and artifact.report.precision == precision
    record_property(
        "measured", f"Core ML {precision}: cosine {cosine:.7f}, {artifact.report.bytes} B"
    )


@pytest.mark.slow
@pytest.mark.parametrize("ios", [17, 18])
@pytest.mark.parametrize(("precision", "bound"), [("fp16", 5e-3), ("w8", 3e-2), ("w6", 2e-2)])
def test_own_module(apple_package, apple_model, precision, bound, ios):
    expected, found = answers(apple_model, PackageClassifier(apple_package(precision, ios).path))
    np.testing.assert_allclose(found, expected, atol=bound * np.abs(expected).max())
    np.testing.assert_array_equal(found.argmax(1), expected.argmax(1))


def test_report(apple_package):
    artifact = apple_package("fp16")
    report = json.loads(json.dumps(artifact.report.to_dict()))
    assert (report["model"], report["target"]) == ("tinyapple", "coreml")
    assert (report["precision"], report["ios"]) == ("fp16", 17)
    assert report["path"] == str(artifact.path)
    files = [file for file in artifact.path.rglob("*") if file.is_file()]
    assert report["bytes"] == sum(file.stat().st_size for file in files)
    counts = load_program(artifact.path).counts()
    assert report["operators"] == counts and report["ops_total"] == sum(counts.values())
    assert report["moves"] == counts["transpose"] + counts["reshape"]
    assert (report["in_float32"], report["calibration"]) == ([], None)
    assert [step["name"] for step in report["steps"]] == [
        "exported",
        "rewritten",
        "quantised",
        "fidelity",
        "evaluated",
    ]
    assert report["parity"] == {
        key: report["steps"][-1][key] for key in ("max_abs", "max_rel", "cosine")
    } | {"top1_agree": True}
    assert apple_package("int8").report.to_dict()["calibration"]["images"] == 40


def fails(graph):
    raise KeyError("scale")


def test_a_rewrite_that_fails_is_left_out_and_named(
    apple_model, tiny_preprocess, tmp_path, monkeypatch
):
    passes = (*coreml.COREML_PIPELINE, fails)
    monkeypatch.setattr(coreml, "COREML_PIPELINE", passes)
    request = {
        "target": "coreml",
        "preprocess": tiny_preprocess,
        "output": tmp_path / "a.mlpackage",
    }
    report = hvit_edge.compile(apple_model, precision="fp32", **request).report.to_dict()
    assert report["rewrites_left_out"] == [{"rewrite": "fails", "reason": "KeyError: 'scale'"}]
    assert report["parity"]["max_rel"] <= 1e-5


def test_package_says_what_it_is(apple_package, apple_model, tiny_preprocess):
    package = read_package(apple_package("fp16").path)
    metadata = PackageClassifier(package.path).metadata
    assert (metadata.model_name, metadata.target) == ("tinyapple", "coreml")
    assert metadata.weights_sha256 == weights_digest(apple_model)
    assert metadata.preprocess == tiny_preprocess
    assert metadata.golden_tolerance == 2e-2
    assert metadata.parity == apple_package("fp16").report.parity
    assert set(metadata.versions) == {"hvit-edge", "torch", "coremltools"}
    assert package.metadata["hve_compute_units"] == "all"
    described = package.spec.description
    assert "16 x 16" in described.metadata.shortDescription
    assert described.metadata.author.startswith("hvit-edge ")
    assert "pixel values are normalized" in described.input[0].shortDescription


@pytest.mark.parametrize("ios", [17, 18])
def test_ios_decides_the_operators(apple_package, ios):
    artifact = apple_package("w8", ios)
    program = load_program(artifact.path)
    assert (program.opset, artifact.report.ios) == (f"iOS{ios}", ios)
    has_attention = "scaled_dot_product_attention" in artifact.report.operators
    assert has_attention is (ios == 18)


def test_labels_that_stand_twice_get_their_number(apple_package):
    for precision in ("fp16", "w4"):
        path = apple_package(precision).path
        assert read_package(path).labels == ("a", "b (1)", "b (2)", "d", "e")
        assert PackageClassifier(path).metadata.labels == ("a", "b", "b", "d", "e")
        pixels = np.zeros((16, 16, 3), np.uint8)
        found = load_program(path).run({"image": pixels})
        best = int(found["logits"].argmax())
        assert found["classLabel"] == read_package(path).labels[best]
        assert list(found["classLabel_probs"]) == list(read_package(path).labels)


def test_without_labels_there_is_no_classifier(tiny_module, tmp_path):
    path = compile_tiny(tiny_module, tmp_path).path
    package = read_package(path)
    assert [feature.name for feature in package.outputs] == ["logits", "probabilities"]
    assert PackageClassifier(path)(bundled_photos()[0])[0].label.startswith("class ")


def test_same_data_same_logits(apple_package, apple_model, tiny_preprocess, tmp_path, monkeypatch):
    monkeypatch.setattr(build, "SMALLEST", 16)  # as in the fixture
    again = hvit_edge.compile(
        apple_model,
        target="coreml",
        precision="w4",
        preprocess=tiny_preprocess,
        labels=["a", "b", "b", "d", "e"],
        output=tmp_path / "again.mlpackage",
    )
    first, second = PackageClassifier(apple_package("w4").path), PackageClassifier(again.path)
    for photo in bundled_photos():
        np.testing.assert_array_equal(first.logits(photo), second.logits(photo))
    assert again.report.operators == apple_package("w4").report.operators


class Tiny(nn.Module):
    """A convolution and a linear."""

    def __init__(self, large: float = 1.0) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.stem = nn.Conv2d(3, 8, 3, 2)
        self.back = nn.Conv2d(8, 8, 1, bias=False)
        self.head = nn.Linear(8, 4)
        with torch.no_grad():
            self.stem.weight *= large
            self.stem.bias *= large
            self.back.weight /= large

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(torch.relu(self.back(torch.relu(self.stem(x)))).mean((2, 3)))


@pytest.fixture(scope="module")
def tiny_module():
    return Tiny().eval()


def compile_tiny(module, folder, **options):
    preprocess = Preprocess((12, 20), resize="stretch", mean=(0.5, 0.4, 0.3), std=(0.2, 0.3, 0.25))
    options = {"preprocess": preprocess, "output": folder / "a.mlpackage", **options}
    return hvit_edge.compile(module, target="coreml", **options)


@pytest.mark.slow
@pytest.mark.parametrize("order", ["RGB", "BGR"])
@pytest.mark.parametrize("precision", ["fp32", "fp16"])
def test_preprocessing_is_inside(tiny_module, tmp_path, order, precision):
    preprocess = Preprocess(
        (12, 20), resize_size=24, mean=(0.5, 0.4, 0.3), std=(0.2, 0.3, 0.25), channel_order=order
    )
    path = compile_tiny(tiny_module, tmp_path, precision=precision, preprocess=preprocess).path
    (image,) = read_package(path).inputs
    assert (image.layout, image.shape) == (order, (1, 3, 12, 20))
    expected, found = answers(tiny_module, PackageClassifier(path))
    bound = {"fp32": 1e-5, "fp16": 5e-3}[precision] * np.abs(expected).max()
    np.testing.assert_allclose(found, expected, atol=bound)
    swapped, _ = answers(lambda x: tiny_module(x.flip(1)), PackageClassifier(path))
    assert np.abs(found - swapped).max() > 4 * bound, "the order of channels shows"


class Colours(nn.Module):
    """Computes the normalized mean of each color."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 3, 1, bias=False)
        with torch.no_grad():
            self.stem.weight.copy_(torch.eye(3)[:, :, None, None])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.stem(x).mean((2, 3))


@pytest.mark.parametrize("precision", ["fp16", "w8", "w6"])
def test_float16_does_not_shift_colours(tmp_path, precision):
    preprocess = Preprocess((12, 20), resize="stretch", mean=IMAGENET_MEAN, std=IMAGENET_STD)
    module = Colours().eval()
    path = compile_tiny(module, tmp_path, precision=precision, preprocess=preprocess).path
    photo = np.full((12, 20, 3), (124, 116, 104), np.uint8)
    with torch.inference_mode():
        expected = module(torch.from_numpy(preprocess(photo))).numpy()
    found = PackageClassifier(path).logits(photo)
    # If ImageNet's constants are only rounded, each color shifts by 2e-4 to 8e-4.
    np.testing.assert_allclose(found, expected, atol=3e-5)


def test_what_float16_would_break_stays_in_float32(tmp_path):
    module = Tiny(large=1e5).eval()
    artifact = compile_tiny(module, tmp_path)
    kept = artifact.report.to_dict()["in_float32"]
    assert {"stem", "back"} <= {row["module"] for row in kept}
    assert "head" not in {row["module"] for row in kept}
    assert all(
        re.match(r"(reads|writes|squares) values up to \d|loses ", row["reason"]) for row in kept
    )
    expected, found = answers(module, PackageClassifier(artifact.path))
    assert np.isfinite(found).all()
    np.testing.assert_allclose(found, expected, atol=1e-2 * np.abs(expected).max())
    facts = hvit_edge.inspection.programs.describe(artifact.path)
    outside = {row["operator"] for row in facts["predicted_outside_neural_engine"]}
    assert len(outside) >= len(kept) > 0


def test_what_float16_can_hold_is_not_kept(tiny_module, tmp_path):
    assert compile_tiny(tiny_module, tmp_path).report.in_float32 == ()


class Sums(nn.Module):
    """An operator without a translation, in a module with a name."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.special.i0(x)


class Unsupported(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Sequential(nn.Conv2d(3, 4, 1), Sums())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.inner(x).mean((2, 3))


def test_unsupported_operator_names_the_module(tmp_path):
    line = r"\n  at .*test_coreml_package\.py:\d+: return torch\.special\.i0\(x\)"
    with pytest.raises(LoweringError, match=rf"aten.special_i0.default in inner.1;.*{line}"):
        compile_tiny(Unsupported().eval(), tmp_path)
    assert os.listdir(tmp_path) == []


REFUSALS = {
    "precision": ({"precision": "int8-dynamic"}, "expected one of fp16, fp32, w8, .* for coreml"),
    "auto": ({"precision": "auto"}, "expected one of fp16, fp32, w8, .* for coreml, got 'auto'"),
    "ios": ({"ios": 16}, "ios: expected one of 17, 18, got 16"),
    "units": ({"compute_units": "gpu"}, "compute_units: expected one of all, cpu, .* got 'gpu'"),
    "share": ({"min_delegated": 0.5}, "min_delegated: expected none for coreml"),
    "calibration": ({"precision": "int8"}, "expected photos with int8, got none"),
    "needless": ({"precision": "w8", "calib_data": "x"}, "expected none with w8"),
    "labels": ({"labels": ["a", "b"]}, "labels: expected 4, one per class, got 2"),
    "suffix": ({"output": "a.pte"}, r"ends in .mlpackage, .* use a.mlpackage"),
    "rtol": ({"rtol": 2.0}, "rtol: expected a number between 0 and 1"),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_refusals(name, tiny_module, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    options, message = REFUSALS[name]
    with pytest.raises(InputError, match=message):
        compile_tiny(tiny_module, tmp_path, **options)
    assert os.listdir(tmp_path) == []


def test_all_faults_of_the_target_are_listed(tiny_module, tmp_path):
    with pytest.raises(InputError, match=r"precision: .*; ios: .*; compute_units: "):
        compile_tiny(tiny_module, tmp_path, precision="x", ios=1, compute_units="y")
    with pytest.raises(InputError, match="ios, compute_units: expected none for xnnpack"):
        hvit_edge.compile(tiny_module, ios=17)


def test_options_are_recorded(tiny_module, tmp_path):
    artifact = compile_tiny(tiny_module, tmp_path, compute_units="cpu-ne", rtol=0.05)
    package = read_package(artifact.path)
    assert package.metadata["hve_compute_units"] == "cpu-ne"
    assert json.loads(package.metadata["hve_golden_tolerance"]) == 0.05
    assert hvit_edge.inspection.programs.describe(artifact.path)["compute_units"] == "cpu-ne"


def test_missed_gate_writes_nothing(tiny_module, tmp_path):
    with pytest.raises(
        ParityError, match="expected the quantised program to have max_rel <= 1e-09"
    ):
        compile_tiny(tiny_module, tmp_path, rtol=1e-9)
    assert os.listdir(tmp_path) == []


def test_a_package_that_cannot_be_opened_is_not_kept(tiny_module, tmp_path, monkeypatch):
    compile_tiny(tiny_module, tmp_path)
    before = PackageClassifier(tmp_path / "a.mlpackage").logits(bundled_photos()[0])

    def fail_at_the_written_one(path):
        raise ArtifactError("[test] torn")

    monkeypatch.setattr("hvit_edge.coreml.written.read_package", fail_at_the_written_one)
    with pytest.raises(ArtifactError, match="torn"):
        compile_tiny(Tiny(2.0).eval(), tmp_path, force=True)
    assert os.listdir(tmp_path) == ["a.mlpackage"]
    after = PackageClassifier(tmp_path / "a.mlpackage").logits(bundled_photos()[0])
    np.testing.assert_array_equal(before, after)

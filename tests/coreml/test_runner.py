"""Check packages as classifiers: the answers of the program, and Core ML if it exists."""

import shutil
import sys
from concurrent.futures import ThreadPoolExecutor

import coremltools as ct
import numpy as np
import pytest
import torch
from PIL import Image

from hvit_edge.artifact.kinds import is_package
from hvit_edge.coreml import load_program
from hvit_edge.coreml.runner import PackageClassifier
from hvit_edge.devices.open_artifact import open_classifier, read_identity
from hvit_edge.errors import ArtifactError, InputError
from hvit_edge.preprocess import load_image
from hvit_edge.runtime import Classifier
from hvit_edge.weights import bundled_photos

MODEL = "Data/com.apple.CoreML/model.mlmodel"
PHOTO = bundled_photos()[0]


@pytest.fixture(scope="module")
def package(apple_package):
    return apple_package("fp16").path


@pytest.fixture(scope="module")
def classifier(package):
    return PackageClassifier(package)


@pytest.fixture
def altered(package, tmp_path):
    """`(**fields) -> path`: a copy of the package with other metadata."""

    def alter(**fields):
        path = shutil.copytree(package, tmp_path / "altered.mlpackage")
        spec = ct.utils.load_spec(str(path))
        spec.description.metadata.userDefined.update(fields)
        (path / MODEL).write_bytes(spec.SerializeToString())
        return path

    return alter


def test_what_it_says(classifier, tiny_preprocess):
    expected = "Core ML" if sys.platform == "darwin" else "reference evaluator"
    assert (classifier.backend, classifier.classes) == (expected, 5)
    assert classifier.metadata.labels == ("a", "b", "b", "d", "e")
    assert classifier.metadata.preprocess == tiny_preprocess
    assert classifier.golden.image.shape == (16, 16, 3)


def test_logits_are_the_programs_on_the_resized_photo(classifier, package, tiny_preprocess):
    program = load_program(package)
    for path in bundled_photos():
        pixels = tiny_preprocess.resize_and_crop(load_image(path))
        expected = program.run({"image": pixels})["logits"]
        found = classifier.logits(load_image(path))
        assert (found.dtype, found.shape) == (np.float32, (1, 5))
        np.testing.assert_array_equal(found, expected)
        np.testing.assert_array_equal(classifier.logits(path), expected)


def test_logits_are_close_to_pytorchs(classifier, apple_model, tiny_preprocess):
    for path in bundled_photos():
        with torch.inference_mode():
            expected = apple_model(torch.from_numpy(tiny_preprocess(load_image(path)))).numpy()
        np.testing.assert_allclose(
            classifier.logits(path), expected, atol=5e-3 * np.abs(expected).max()
        )


def test_predictions_are_a_softmax_in_order(classifier):
    logits = classifier.logits(PHOTO)[0].astype(np.float64)
    shares = np.exp(logits) / np.exp(logits).sum()
    found = classifier(Image.open(PHOTO))
    assert [one.index for one in found] == list(np.argsort(-logits))
    assert [one.label for one in found] == ["abbde"[one.index] for one in found]
    np.testing.assert_allclose([one.score for one in found], shares[np.argsort(-logits)])
    assert classifier(PHOTO, top_k=2) == found[:2]
    assert classifier(PHOTO, top_k=99) == found


def test_equal_logits_rank_by_index_and_infinite_ones_are_refused(package, monkeypatch):
    classifier = PackageClassifier(package)
    monkeypatch.setattr(classifier, "_run", lambda _: np.float32([[1, 3, 3, 0, 3]]))
    assert [one.index for one in classifier(PHOTO, top_k=4)] == [1, 2, 4, 0]
    monkeypatch.setattr(classifier, "_run", lambda _: np.float32([[1, np.inf, 0, 0, 0]]))
    with pytest.raises(ArtifactError, match="expected finite logits"):
        classifier(PHOTO)
    assert not classifier.self_test().passed
    monkeypatch.setattr(classifier, "_run", lambda _: np.float32([[1, 3]]))
    with pytest.raises(ArtifactError, match=r"expected logits \[1, 5\], got \[1, 2\]"):
        classifier.logits(PHOTO)


def test_self_test(classifier, package, monkeypatch):
    result = classifier.self_test()
    assert result.passed and result.top1_agree
    assert 0 < result.max_rel <= 1e-2
    parity = classifier.metadata.parity
    assert (result.max_abs, result.max_rel) == (parity.max_abs, parity.max_rel)
    wrong, golden = PackageClassifier(package), classifier.golden.output
    edge = golden + np.float32(0.019) * np.abs(golden).max()
    monkeypatch.setattr(wrong, "_run", lambda _: edge)
    assert wrong.self_test().passed, "the tolerance of float16 is 2e-2"
    beyond = golden + np.float32(0.021) * np.abs(golden).max()
    monkeypatch.setattr(wrong, "_run", lambda _: beyond)
    assert not wrong.self_test().passed


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda c: c(PHOTO, top_k=0), "top_k of at least 1, got 0"),
        (lambda c: c(PHOTO, top_k=1.5), "top_k: expected a whole number, got 1.5"),
        (lambda c: c(np.zeros((4, 4), np.uint8)), "expected a uint8 RGB array"),
        (lambda c: c.logits(5), "expected a path, a PIL image or an array"),
        (lambda c: c("none.jpg"), "expected an image file"),
    ],
)
def test_wrong_arguments(classifier, call, message):
    with pytest.raises(InputError, match=message):
        call(classifier)


def test_threads(package):
    before = torch.get_num_threads()
    try:
        PackageClassifier(package, threads=2)
        assert torch.get_num_threads() == 2
        PackageClassifier(package)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
    for wrong in (-1, 1.5, True):
        with pytest.raises(InputError, match=r"threads: expected"):
            PackageClassifier(package, threads=wrong)


def test_several_threads_get_the_same_answers(classifier):
    photos = [load_image(path) for path in bundled_photos()] * 3
    expected = [classifier.logits(photo) for photo in photos]
    with ThreadPoolExecutor(4) as pool:
        np.testing.assert_array_equal(list(pool.map(classifier.logits, photos)), expected)


@pytest.fixture
def on_a_mac(monkeypatch):
    """A Mac whose Core ML answers with what the photo's first pixel says."""
    seen = []

    class MLModel:
        def __init__(self, path):
            seen.append(path)

        def predict(self, inputs):
            image = inputs["image"]
            assert list(inputs) == ["image"] and image.mode == "RGB"
            seen.append(image.size)
            return {"logits": np.float64([[*image.getpixel((0, 0)), 0, 1]]), "classLabel": "a"}

    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(ct.models, "MLModel", MLModel)
    monkeypatch.setattr("coremltools.models.model._MLModelProxy", object())
    return seen


def test_core_ml_runs_it_on_a_mac(package, on_a_mac):
    classifier = PackageClassifier(package)
    assert classifier.backend == "Core ML"
    image = np.zeros((18, 18, 3), np.uint8) + np.uint8([7, 5, 3])
    found = classifier.logits(image)
    np.testing.assert_array_equal(found, np.float32([[7, 5, 3, 0, 1]]))
    assert found.dtype == np.float32
    assert on_a_mac == [str(package), (16, 16)]
    with pytest.raises(InputError, match="threads: expected 0 with Core ML"):
        PackageClassifier(package, threads=1)


def test_a_mac_without_the_bridge_evaluates(package, on_a_mac, monkeypatch):
    monkeypatch.setattr("coremltools.models.model._MLModelProxy", None)
    assert PackageClassifier(package).backend == "reference evaluator"
    assert on_a_mac == []


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"hve_input_size": "[16, 15]"}, r"instead of an image of \(16, 15\)"),
        ({"hve_labels": "a\nb"}, "2 labels for 5 classes"),
        ({"hve_schema_version": "2"}, "schema version 1, got 2"),
    ],
)
def test_metadata_of_another_program_are_refused(altered, fields, fault):
    with pytest.raises(ArtifactError, match=fault):
        PackageClassifier(altered(**fields))


def test_open_classifier_takes_either_kind(package, tiny_artifact):
    assert isinstance(open_classifier(package), PackageClassifier)
    assert isinstance(open_classifier(f"{package}/"), PackageClassifier)
    file = open_classifier(tiny_artifact, threads=1)
    assert isinstance(file, Classifier)
    assert (file.backend, file.classes) == ("C++ runtime", 5)
    assert file.metadata is file.session.metadata and file.self_test().passed
    for path, classifier in ((package, PackageClassifier(package)), (tiny_artifact, file)):
        assert read_identity(path) == (classifier.metadata, 5)


def test_what_is_neither_is_refused(package, tmp_path):
    renamed = shutil.copytree(package, tmp_path / "model")
    with pytest.raises(ArtifactError, match=r"end in .mlpackage, .* rename it to model.mlpackage"):
        open_classifier(renamed)
    with pytest.raises(InputError, match="expected the path of an artifact, got int"):
        open_classifier(5)
    with pytest.raises(InputError, match="got the directory"):
        open_classifier(tmp_path)
    assert not is_package(tmp_path / "x.pte") and is_package("x.mlpackage")


# Cosine between Core ML's logits and the evaluator's over the bundled photos.
LEAST_COSINE = {"fp32": 0.999999, "fp16": 0.9995, "w8": 0.9995, "int8": 0.999}


@pytest.mark.skipif(sys.platform != "darwin", reason="Core ML predicts on macOS alone")
@pytest.mark.parametrize("precision", LEAST_COSINE)
def test_core_ml_agrees_with_the_evaluator(precision, apple_package):
    path = apple_package(precision).path
    classifier, program = PackageClassifier(path), load_program(path)
    assert classifier.backend == "Core ML"
    for photo in bundled_photos():
        pixels = classifier.metadata.preprocess.resize_and_crop(load_image(photo))
        one, other = classifier.logits(photo)[0], program.run({"image": pixels})["logits"][0]
        cosine = one @ other / np.linalg.norm(one) / np.linalg.norm(other)
        assert cosine >= LEAST_COSINE[precision]

"""Classifier gives the same labels for files, PIL images and arrays."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from hvit_edge.errors import ArtifactError, InputError
from hvit_edge.runtime import Classifier, Prediction, Session


@pytest.fixture(scope="module")
def classifier(tiny) -> Classifier:
    return Classifier(tiny.path)


@pytest.fixture(scope="module")
def photo(tiny) -> np.ndarray:
    return tiny.fields["hve_golden_image"].numpy()


def test_logits_equal_the_golden_output(tiny, classifier, photo):
    logits = classifier.logits(photo)
    assert logits.dtype == np.float32
    assert logits.shape == (1, 7)
    np.testing.assert_allclose(logits, tiny.fields["hve_golden_output"], rtol=0, atol=1e-6)


def test_predictions_are_softmax_of_the_logits(tiny, classifier, photo):
    expected = torch.softmax(tiny.fields["hve_golden_output"][0].double(), 0)
    predictions = classifier(photo, top_k=3)
    assert len(predictions) == 3
    for prediction, index in zip(predictions, expected.argsort(descending=True), strict=False):
        assert isinstance(prediction, Prediction)
        assert prediction.index == index
        assert prediction.label == tiny.fields["hve_labels"].split("\n")[index]
        assert prediction.score == pytest.approx(expected[index].item(), abs=1e-6)


def test_top_k_is_capped_by_the_number_of_classes(classifier, photo):
    predictions = classifier(photo, top_k=1000)
    assert sorted(p.index for p in predictions) == list(range(7))
    assert sum(p.score for p in predictions) == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("top_k", [0, -1, 1.5, None, 2**40])
def test_impossible_top_k(classifier, photo, top_k):
    with pytest.raises(InputError, match="top_k"):
        classifier(photo, top_k=top_k)


def test_equal_scores_come_by_index(tiny, photo):
    class Constant(torch.nn.Module):
        def forward(self, x):
            return x.mean((2, 3)).repeat(1, 3) * 0

    predictions = Classifier(tiny.make("constant", model=Constant(), labels=""))(photo, top_k=9)
    assert [p.index for p in predictions] == list(range(9))


def test_file_pil_and_array_agree(classifier, photo, tmp_path):
    path = tmp_path / "photo.png"
    Image.fromarray(photo).save(path)
    expected = classifier(photo)
    assert classifier(path) == expected
    assert classifier(str(path)) == expected
    assert classifier(Image.open(path)) == expected
    assert classifier(Image.fromarray(photo).convert("RGBA")) == expected


def test_exif_rotation_of_a_pil_image_is_applied(classifier, photo, tmp_path):
    path = tmp_path / "turned.png"
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(photo).save(path, exif=exif)
    upright = classifier(np.ascontiguousarray(np.rot90(photo, -1)))
    assert classifier(path) == upright
    assert classifier(Image.open(path)) == upright


def test_rows_may_lie_apart(classifier, photo):
    wide = np.zeros((photo.shape[0], photo.shape[1] + 5, 3), np.uint8)
    wide[:, : photo.shape[1]] = photo
    assert classifier(wide[:, : photo.shape[1]]) == classifier(photo)


def test_labels_missing_from_the_artifact(tiny, photo):
    assert Classifier(tiny.make("unnamed", labels=""))(photo, 1)[0].label.startswith("class ")


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.zeros((4, 4), np.uint8), r"expected a uint8 RGB array .* got uint8 \[4, 4\]"),
        (np.zeros((4, 4, 4), np.uint8), r"got uint8 \[4, 4, 4\]"),
        (np.zeros((0, 4, 3), np.uint8), r"got uint8 \[0, 4, 3\]"),
        (np.zeros((4, 4, 3), np.float32), r"got float32 \[4, 4, 3\]"),
        (np.zeros((4, 4, 3), np.uint8)[:, ::-1], "adjacent pixels"),
        (np.zeros((3, 4, 4), np.uint8).transpose(1, 2, 0), "adjacent pixels"),
        (b"bytes", "expected a path, a PIL image or an array, got bytes"),
        (Image.new("I;16", (4, 4)), "expected an image with 8 bits per channel, got mode I;16"),
        ("no such photo.jpg", "no such file"),
    ],
)
def test_wrong_images(classifier, image, message):
    with pytest.raises(InputError, match=message):
        classifier(image)
    with pytest.raises(InputError, match=message):
        classifier.logits(image)


def test_its_session_works_beside_it(tiny, classifier, photo):
    assert isinstance(classifier.session, Session)
    assert classifier.session.metadata.model_name == "tiny"
    assert classifier.session.self_test().passed
    assert classifier.session.load_seconds > 0
    assert classifier(photo)


def test_a_program_that_is_no_classifier(tiny):
    class Pair(torch.nn.Module):
        def forward(self, x):
            return x.mean((2, 3)), x * 2

    with pytest.raises(ArtifactError, match=r"expected a program from one float32 image"):
        Classifier(tiny.make("pair", model=Pair(), labels=""))


def test_logits_that_are_not_finite(tiny, photo):
    class Broken(torch.nn.Module):
        def forward(self, x):
            return torch.exp(x.mean((2, 3)) + 1000)

    with pytest.raises(ArtifactError, match="expected finite logits, got"):
        Classifier(tiny.make("broken", model=Broken(), labels=""))(photo)

"""Accuracy, computed from logits that the test chooses."""

import sys
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from hvit_edge.datasets import Skipped
from hvit_edge.errors import InputError, ParityError
from hvit_edge.evaluate import evaluate

LABELS = ("a", "b", "c", "d", "e", "f", "g")


def use_logits(monkeypatch, logits, labels=LABELS):
    """Replace the runtime by a classifier whose logits follow from the first byte of the image."""

    class Classifier:
        def __init__(self, path, *, threads=0):
            self.session = SimpleNamespace(
                metadata=SimpleNamespace(labels=labels),
                outputs=(SimpleNamespace(shape=(1, len(LABELS))),),
            )

        def logits(self, image):
            return logits(int(image.flat[0]))

    monkeypatch.setitem(sys.modules, "hvit_edge.runtime", SimpleNamespace(Classifier=Classifier))


def one_hot(winner):
    """Logits that rank `winner` first, then the other classes by falling index."""
    values = np.arange(len(LABELS), dtype=np.float32)
    values[winner] = 100
    return values[np.newaxis]


def write_data(path, first_bytes, labels):
    images = np.zeros((len(first_bytes), 2, 2, 3), np.uint8)
    images[:, 0, 0, 0] = first_bytes
    np.savez(path, images=images, labels=np.asarray(labels))
    return path


@pytest.fixture
def data(tmp_path):
    """Five images whose classifier answers 0, 1, 1, 0, 6 for the truths 0, 0, 1, 1, 6."""
    return write_data(tmp_path / "d.npz", [0, 1, 1, 0, 6], [0, 0, 1, 1, 6])


def test_top1_top5_and_classes(monkeypatch, data):
    use_logits(monkeypatch, one_hot)
    report = evaluate("x.pte", data)
    assert (report.images, report.top1, report.top5) == (5, 3 / 5, 3 / 5)
    assert [(c.label, c.index, c.images, c.top1, c.top5) for c in report.per_class] == [
        ("a", 0, 2, 0.5, 0.5),
        ("b", 1, 2, 0.5, 0.5),
        ("g", 6, 1, 1.0, 1.0),
    ]
    assert report.agreement is None and report.eager_top1 is None
    assert report.skipped == []


def test_top5_counts_the_fifth_and_not_the_sixth(monkeypatch, tmp_path):
    use_logits(monkeypatch, one_hot)  # ranking for image 0: class 0, 6, 5, 4, 3, 2, 1
    assert evaluate("x.pte", write_data(tmp_path / "a.npz", [0], [3])).top5 == 1
    assert evaluate("x.pte", write_data(tmp_path / "b.npz", [0], [2])).top5 == 0


def test_equal_logits_rank_by_index(monkeypatch, tmp_path):
    use_logits(monkeypatch, lambda _: np.zeros((1, 7), np.float32))
    report = evaluate("x.pte", write_data(tmp_path / "a.npz", [0, 0, 0], [0, 4, 5]))
    assert [(c.index, c.top1, c.top5) for c in report.per_class] == [
        (0, 1, 1),
        (4, 0, 1),
        (5, 0, 0),
    ]


def test_agreement_with_eager(monkeypatch, data):
    use_logits(monkeypatch, one_hot)
    report = evaluate("x.pte", data, eager=lambda image: one_hot(min(int(image.flat[0]), 1)))
    assert report.agreement == 4 / 5
    assert report.eager_top1 == 2 / 5


def test_limit_and_progress(monkeypatch, data):
    use_logits(monkeypatch, one_hot)
    seen = []

    def progress(items, total):
        seen.append(total)
        return items

    report = evaluate("x.pte", data, limit=2, progress=progress)
    assert (report.images, seen) == (2, [2])


def test_folder_by_label_names_and_a_skipped_image(monkeypatch, tmp_path):
    use_logits(monkeypatch, one_hot)
    for name in ("b", "g"):
        (tmp_path / name).mkdir()
        Image.new("RGB", (2, 2), (LABELS.index(name), 0, 0)).save(tmp_path / name / "1.png")
    (tmp_path / "g" / "2.png").write_bytes(b"broken")
    report = evaluate("x.pte", tmp_path)
    assert (report.images, report.top1) == (2, 1.0)
    assert [s.name for s in report.skipped] == ["g/2.png"]
    assert isinstance(report.skipped[0], Skipped)
    assert report.to_dict()["skipped"][0]["name"] == "g/2.png"
    assert report.to_dict()["per_class"][0]["label"] == "b"


def test_classes_without_labels_go_by_number(monkeypatch, data):
    use_logits(monkeypatch, one_hot, labels=())
    assert [c.label for c in evaluate("x.pte", data).per_class] == ["0", "1", "6"]


def test_labels_that_the_network_does_not_have_are_refused(monkeypatch, tmp_path):
    use_logits(monkeypatch, one_hot)
    with pytest.raises(InputError, match="expected labels from 0 to 6, got 1 outside"):
        evaluate("x.pte", write_data(tmp_path / "a.npz", [0, 0], [0, 7]))


@pytest.mark.parametrize("broken", ["runtime", "eager"])
def test_nan_is_no_answer(monkeypatch, data, broken):
    def nan(_):
        return np.full((1, 7), np.nan, np.float32)

    use_logits(monkeypatch, nan if broken == "runtime" else one_hot)
    with pytest.raises(ParityError, match=r"d.npz\[0\]: expected finite logits"):
        evaluate("x.pte", data, eager=nan)

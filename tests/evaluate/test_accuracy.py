"""Accuracy, computed from logits that the test chooses."""

import sys
import threading
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from hvit_edge.datasets import Skipped
from hvit_edge.errors import InputError, ParityError
from hvit_edge.evaluate.accuracy import evaluate

LABELS = ("a", "b", "c", "d", "e", "f", "g")


def use_logits(monkeypatch, logits, labels=LABELS):
    """Replace the runtime with a classifier whose logits depend on the first byte of the image.

    Returns the list of the classifiers that have been loaded.
    """
    loaded = []

    class Classifier:
        def __init__(self, path, *, threads=0, method=None):
            loaded.append(self)
            self.busy = threading.Lock()
            self.metadata, self.classes = SimpleNamespace(labels=labels), len(LABELS)
            self.backend = "stub"

        def logits(self, image):
            assert self.busy.acquire(blocking=False), "one classifier, one thread at a time"
            try:
                return logits(int(image.flat[0]))
            finally:
                self.busy.release()

    monkeypatch.setitem(sys.modules, "hvit_edge.runtime", SimpleNamespace(Classifier=Classifier))
    return loaded


def one_hot(winner):
    """Return logits that rank `winner` first, then the other classes by descending index."""
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
    """Write five images that are classified as 0, 1, 1, 0, 6; their classes are 0, 0, 1, 1, 6."""
    return write_data(tmp_path / "d.npz", [0, 1, 1, 0, 6], [0, 0, 1, 1, 6])


@pytest.fixture
def artifact(tmp_path):
    """Write a file that identifies the artifact; the stub never reads it."""
    path = tmp_path / "x.pte"
    path.write_bytes(b"artifact")
    return path


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
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_nan_and_infinity_are_no_answer(monkeypatch, data, broken, value):
    def one_broken(first_byte):
        logits = one_hot(0)
        logits[0, 3] = value
        return logits

    use_logits(monkeypatch, one_broken if broken == "runtime" else one_hot)
    with pytest.raises(ParityError, match=r"d.npz\[0\]: expected finite logits"):
        evaluate("x.pte", data, eager=lambda image: one_broken(0))


def test_a_constant_answer_ranks_and_confuses_by_index(monkeypatch, tmp_path):
    use_logits(monkeypatch, lambda _: np.full((1, 7), 0.25, np.float32))
    report = evaluate("x.pte", write_data(tmp_path / "a.npz", [0, 0, 0], [3, 3, 6]), workers=2)
    assert (report.top1, report.top5) == (0, 2 / 3)
    assert [c.label for c in report.confusion] == ["d", "g"], "equally bad: more images first"
    assert [[m.label for m in c.mistaken_for] for c in report.confusion] == [["a"], ["a"]]


def test_batches_at_a_time_and_the_report_in_order(monkeypatch, tmp_path):
    """Image 0 waits until image 2, of the second batch, has been classified."""
    later = threading.Event()

    def logits(first_byte):
        if first_byte == 2:
            later.set()
        assert first_byte != 0 or later.wait(60), "expected two batches at a time"
        return one_hot(first_byte)

    loaded = use_logits(monkeypatch, logits)
    seen = []

    def progress(items, total):
        for item in items:
            seen.append(item.index)
            yield item

    data = write_data(tmp_path / "a.npz", [0, 1, 2, 3, 4], [0, 1, 2, 3, 5])
    report = evaluate("x.pte", data, batch=2, workers=2, progress=progress)
    assert seen == [0, 1, 2, 3, 4]
    assert (report.top1, len(loaded)) == (4 / 5, 2)


def test_any_number_of_workers_gives_the_same_report(monkeypatch, tmp_path):
    rng = np.random.default_rng(1)
    answers, truth = rng.integers(0, 7, (2, 50))
    data = write_data(tmp_path / "a.npz", answers, truth)
    use_logits(monkeypatch, one_hot)

    def eager(image):
        return one_hot(min(int(image.flat[0]), 3))

    report = evaluate("x.pte", data, eager=eager)
    assert report.top1 == np.mean(answers == truth)
    assert report.agreement == np.mean(answers <= 3)
    for workers, batch in [(1, 1), (3, 7), (8, 1), (2, 100)]:
        assert evaluate("x.pte", data, eager=eager, workers=workers, batch=batch) == report


@pytest.mark.parametrize(("batch", "sessions"), [(1, 4), (2, 3), (3, 2), (5, 1)])
def test_no_more_sessions_than_batches(monkeypatch, data, batch, sessions):
    loaded = use_logits(monkeypatch, one_hot)
    evaluate("x.pte", data, batch=batch, workers=4)
    assert len(loaded) == sessions


def test_eager_runs_in_one_thread_at_a_time(monkeypatch, tmp_path):
    use_logits(monkeypatch, one_hot)
    busy, two_at_once = threading.Lock(), threading.Event()

    def eager(image):
        if not busy.acquire(blocking=False):
            two_at_once.set()
            return one_hot(0)
        two_at_once.wait(0.05)  # only to let another thread in, where one may come in
        busy.release()
        return one_hot(0)

    evaluate(
        "x.pte", write_data(tmp_path / "a.npz", [0] * 4, [0] * 4), eager=eager, workers=4, batch=1
    )
    assert not two_at_once.is_set()


@pytest.mark.parametrize("workers", [1, 3])
def test_the_first_broken_image_is_named(monkeypatch, tmp_path, workers):
    use_logits(monkeypatch, lambda byte: one_hot(0) if byte == 0 else one_hot(0) * np.inf)
    data = write_data(tmp_path / "a.npz", [0, 0, 1, 0, 1, 1], [0] * 6)
    with pytest.raises(ParityError, match=r"a.npz\[2\]: expected finite logits, got NaN or inf"):
        evaluate("x.pte", data, workers=workers, batch=1)


def test_counts_below_one_are_refused_together(data):
    message = (
        r"\[evaluate\] batch: expected a whole number of at least 1, got 0;"
        r" workers: expected a whole number of at least 1, got 1.5"
    )
    with pytest.raises(InputError, match=message):
        evaluate("x.pte", data, batch=0, workers=1.5)


def test_a_folder_without_a_readable_image_is_refused(monkeypatch, tmp_path):
    use_logits(monkeypatch, one_hot)
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "1.png").write_bytes(b"broken")
    with pytest.raises(InputError, match="expected readable images, got 1 unreadable ones, the"):
        evaluate("x.pte", tmp_path)


class Interrupted(Exception):
    """Raised by a test's classifier in the middle of an evaluation."""


def interrupt_at(first_byte):
    def logits(byte):
        if byte == first_byte:
            raise Interrupted
        return one_hot(byte)

    return logits


@pytest.mark.parametrize("workers", [1, 3])
def test_an_interrupted_evaluation_goes_on(monkeypatch, artifact, tmp_path, workers):
    data = write_data(tmp_path / "a.npz", [0, 1, 2, 3, 4, 5, 6], [0, 1, 2, 3, 4, 0, 0])
    use_logits(monkeypatch, one_hot)
    straight = evaluate(artifact, data)
    state = tmp_path / "state.jsonl"
    use_logits(monkeypatch, interrupt_at(5))
    with pytest.raises(Interrupted):
        evaluate(artifact, data, batch=2, workers=workers, resume=state)
    assert len(state.read_text().splitlines()) == 3, "the header and two batches of two"

    classified = []

    def logits(byte):
        classified.append(byte)
        return one_hot(byte)

    use_logits(monkeypatch, logits)
    assert evaluate(artifact, data, batch=3, workers=workers, resume=state) == straight
    assert sorted(classified) == [4, 5, 6]


def test_a_finished_evaluation_is_reported_at_once(monkeypatch, artifact, tmp_path):
    (tmp_path / "d" / "b").mkdir(parents=True)
    Image.new("RGB", (2, 2), (1, 0, 0)).save(tmp_path / "d" / "b" / "1.png")
    (tmp_path / "d" / "b" / "2.png").write_bytes(b"broken")
    use_logits(monkeypatch, one_hot)

    def run(eager):
        state = tmp_path / "state.jsonl"
        return evaluate(artifact, tmp_path / "d", eager=eager, resume=state, workers=4, batch=1)

    first = run(lambda image: one_hot(3))
    state = (tmp_path / "state.jsonl").read_bytes()
    loaded = use_logits(monkeypatch, None)
    assert run(lambda image: None) == first
    assert (first.eager_top1, first.agreement, len(first.skipped)) == (0, 0, 1)
    assert len(loaded) == 1, "one session, for the labels"
    assert (tmp_path / "state.jsonl").read_bytes() == state


@pytest.mark.slow
def test_a_state_cut_off_anywhere_goes_on(monkeypatch, artifact, data, tmp_path):
    use_logits(monkeypatch, one_hot)
    state = tmp_path / "state.jsonl"
    report = evaluate(artifact, data, batch=2, resume=state)
    whole = state.read_bytes()
    for length in range(len(whole)):
        state.write_bytes(whole[:length])
        assert evaluate(artifact, data, batch=2, resume=state) == report, length
        assert state.read_bytes() == whole, length


def test_no_state_is_written_unasked(monkeypatch, artifact, data, tmp_path):
    use_logits(monkeypatch, one_hot)
    before = sorted(tmp_path.iterdir())
    evaluate(artifact, data)
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("artifact", r"another: artifact_sha256 \w{12}\.\.\. instead of \w{12}\.\.\.; repeat that"),
        ("data", r"another: data \S+d\.npz instead of \S+e\.npz, data_sha256 \w"),
        ("labels", r"another: data_sha256 \w{12}"),
        ("images", r"another: data_sha256 \w{12}"),
        ("limit", r"another: images 5 instead of 2, data_sha256 .+, limit none instead of 2; rep"),
        ("eager", r"another: against_eager False instead of True; repeat that evaluation or name"),
    ],
)
def test_the_state_of_another_evaluation_is_refused(
    monkeypatch, artifact, data, tmp_path, change, message
):
    use_logits(monkeypatch, one_hot)
    state = tmp_path / "state.jsonl"
    evaluate(artifact, data, resume=state)
    before = state.read_bytes()
    options = {}
    if change == "artifact":
        artifact.write_bytes(b"another")
    elif change == "data":
        data = data.rename(tmp_path / "e.npz")
    elif change == "labels":
        write_data(data, [0, 1, 1, 0, 6], [0, 0, 1, 1, 5])
    elif change == "images":
        write_data(data, [0, 1, 1, 0, 5], [0, 0, 1, 1, 6])
    else:
        options = {"limit": {"limit": 2}, "eager": {"eager": lambda image: one_hot(0)}}[change]
    with pytest.raises(InputError, match=message):
        evaluate(artifact, data, resume=state, **options)
    assert state.read_bytes() == before


def test_a_state_file_that_cannot_be_written_shows_before_the_work(monkeypatch, artifact, data):
    use_logits(monkeypatch, None)  # would fail at the first image
    with pytest.raises(InputError, match=r"nowhere/state: expected a state file that can be wri"):
        evaluate(artifact, data, resume=data.parent / "nowhere" / "state")


def test_a_folder_whose_images_changed_is_refused(monkeypatch, artifact, tmp_path):
    use_logits(monkeypatch, one_hot)
    image = tmp_path / "d" / "b" / "1.png"
    image.parent.mkdir(parents=True)
    Image.new("RGB", (2, 2), (1, 0, 0)).save(image)
    evaluate(artifact, tmp_path / "d", resume=tmp_path / "state")
    Image.new("RGB", (90, 2), (1, 0, 0)).save(image)
    with pytest.raises(InputError, match=r"another: data_sha256 \w{12}"):
        evaluate(artifact, tmp_path / "d", resume=tmp_path / "state")

"""`hvit-edge eval` on a real artifact; the arithmetic is tested in test_evaluate.py."""

import json
import os
import pty
import subprocess
import sys
import termios

import numpy as np
import pytest
import torch
from PIL import Image

from hvit_edge import create_model
from hvit_edge.cli import main
from hvit_edge.runtime import Classifier


@pytest.fixture
def data(artifact, photo, tmp_path):
    """Write six crops of a photo; four have the label of the runtime, two a wrong one."""
    classifier = Classifier(artifact.path)
    with Image.open(photo) as image:
        crops = [np.asarray(image.resize((40, 40), box=(i, i, i + 200, i + 200))) for i in range(6)]
    found = [classifier(crop, top_k=1)[0].index for crop in crops]
    labels = np.array(found) + np.array([0, 0, 0, 0, 1, 1])
    np.savez(tmp_path / "d.npz", images=np.stack(crops), labels=labels % 10)
    return tmp_path / "d.npz"


def eval_json(capsys, *arguments):
    assert main(["eval", *(str(a) for a in arguments), "--format", "json"]) == 0
    out, err = capsys.readouterr()
    return json.loads(out), err


def test_json(artifact, data, capsys):
    report, err = eval_json(capsys, artifact, data)
    assert err == "", "no bar where stderr is no terminal"
    assert (report["images"], report["skipped"]) == (6, [])
    assert report["top1"] == pytest.approx(4 / 6)
    assert report["agreement"] is None
    assert sum(row["images"] for row in report["per_class"]) == 6


def test_against_eager(artifact, data, capsys):
    report, _ = eval_json(capsys, artifact, data, "--against-eager", "--limit", 3)
    assert report["images"] == 3
    assert report["agreement"] == 1
    assert report["eager_top1"] == report["top1"]


def test_confusion_is_that_of_pytorch(artifact, data, capsys):
    session = Classifier(artifact.path).session
    model = create_model("mobilevit_xxs", weights="cifar10")
    arrays = np.load(data)
    with torch.inference_mode():
        batch = np.concatenate([session.metadata.preprocess(image) for image in arrays["images"]])
        answers = model(torch.from_numpy(batch)).argmax(1).tolist()
    missed = [(c, a) for c, a in zip(arrays["labels"].tolist(), answers, strict=True) if a != c]
    report, _ = eval_json(capsys, artifact, data)
    found = [
        (row["index"], mistake["index"])
        for row in report["confusion"]
        for mistake in row["mistaken_for"]
        for _ in range(mistake["images"])
    ]
    assert sorted(found) == sorted(missed) and len(missed) == 2
    assert {row["label"] for row in report["confusion"]} <= set(session.metadata.labels)


def test_text_ends_with_the_worst_classes(artifact, photo, tmp_path, capsys):
    (tmp_path / "dog").mkdir()
    (tmp_path / "dog" / "a.jpg").write_bytes(photo.read_bytes())  # a cat, classified as a cat
    assert main(["eval", str(artifact), str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert out.endswith("\n\n  worst   top-1  mistaken for\n  dog    0.00 %  cat 1\n")


def test_workers_and_batches_change_nothing(artifact, data, capsys):
    plain, _ = eval_json(capsys, artifact, data, "--against-eager")
    for options in (["--workers", 3, "--batch", 2], ["--workers", 2, "--batch", 1]):
        report, err = eval_json(capsys, artifact, data, "--against-eager", *options)
        assert (report, err) == (plain, "")


STOPPED = """
import os, signal, sys
from hvit_edge.cli import main
from hvit_edge.runtime import Classifier

signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it
classify, calls = Classifier.logits, []

def logits(self, image):
    calls.append(image)
    if len(calls) == 4:
        os.kill(os.getpid(), getattr(signal, sys.argv[1]))
    return classify(self, image)

Classifier.logits = logits
sys.exit(main(sys.argv[2:]))
"""


@pytest.mark.parametrize(("signal", "code"), [("SIGINT", 130), ("SIGKILL", -9)])
def test_a_stopped_evaluation_goes_on(artifact, data, tmp_path, capsys, signal, code):
    state = tmp_path / "state.jsonl"
    arguments = [artifact.path, data, "--resume", state, "--batch", 1]
    done = subprocess.run(
        [sys.executable, "-c", STOPPED, signal, "eval", *(str(a) for a in arguments)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code and done.stdout == ""
    if signal == "SIGINT":
        assert done.stderr == "error: [hvit-edge] interrupted\n"
    before = state.read_text()
    assert 1 <= len(before.splitlines()) < 7, "the header, and not all of the six batches"
    plain, _ = eval_json(capsys, artifact, data)
    assert eval_json(capsys, *arguments) == (plain, "")
    assert state.read_text().startswith(before)
    assert len(state.read_text().splitlines()) == 7


def test_a_state_of_another_artifact_is_refused(artifact, data, tmp_path, capsys):
    state = tmp_path / "state.jsonl"
    eval_json(capsys, artifact, data, "--resume", state)
    header, rest = state.read_text().split("\n", 1)
    other = json.loads(header) | {"artifact_sha256": "ab" * 32}
    state.write_text(json.dumps(other) + "\n" + rest)
    before = state.read_bytes()
    assert main(["eval", str(artifact), str(data), "--resume", str(state)]) == 2
    assert "got that of another: artifact_sha256 abababababab... instead of" in (
        capsys.readouterr().err
    )
    assert state.read_bytes() == before


def test_a_file_that_is_no_state_is_refused(artifact, data, capsys):
    before = artifact.path.read_bytes()
    assert main(["eval", str(artifact), str(data), "--resume", str(artifact)]) == 2
    assert "expected a state file of hvit-edge eval, got another file" in capsys.readouterr().err
    assert artifact.path.read_bytes() == before


def test_a_state_that_cannot_be_written_is_refused(artifact, data, tmp_path, capsys):
    arguments = ["eval", str(artifact), str(data), "--resume", str(tmp_path / "no" / "state")]
    assert main(arguments) == 2
    assert "expected a state file that can be written, got No such file" in capsys.readouterr().err


def test_text_of_a_folder_with_an_unreadable_image(artifact, photo, tmp_path, capsys):
    (tmp_path / "cat").mkdir()
    (tmp_path / "cat" / "a.jpg").write_bytes(photo.read_bytes())
    (tmp_path / "cat" / "bad.png").write_bytes(b"broken")
    assert main(["eval", str(artifact), str(tmp_path)]) == 0
    out, err = capsys.readouterr()
    assert "  top-1    100.00 %\n  top-5    100.00 %\n  images   1\n  skipped  1\n" in out
    assert "  class  images     top-1     top-5\n  cat         1  100.00 %  100.00 %\n" in out
    assert err.startswith("warning: skipped cat/bad.png: [load_image]")


def test_photos_of_any_suffix_and_a_class_without_one(artifact, photo, tmp_path, capsys):
    for name in ("cat/a.jfif", "cat/b.JPG_large", "dog/c.xyz"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(photo.read_bytes())
    report, err = eval_json(capsys, artifact, tmp_path, "--allow-empty")
    assert (report["images"], report["top1"], report["ignored"]["names"]) == (2, 1, ["dog/c.xyz"])
    assert [row["label"] for row in report["empty_classes"]] == ["dog"]
    assert len(err.splitlines()) == 2
    assert main(["eval", str(artifact), str(tmp_path)]) == 2
    out, err = capsys.readouterr()
    assert "  top-1    100.00 %" in out and "error: [evaluate]" in err and "dog (no image)" in err


def test_data_that_does_not_fit_is_refused(artifact, tmp_path, capsys):
    images = np.zeros((1, 4, 4, 3), np.uint8)
    np.savez(tmp_path / "d.npz", images=images, labels=np.array([10]))
    assert main(["eval", str(artifact), str(tmp_path / "d.npz")]) == 2
    assert "expected labels from 0 to 9" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--limit", "0"], "--limit: expected a whole number of at least 1, got 0"),
        (["--batch", "0"], "--batch: expected a whole number of at least 1, got 0"),
        (["--workers", "0"], "--workers: expected a whole number of at least 1, got 0"),
        (["--workers", "two"], "--workers: expected a whole number of at least 1, got two"),
        (
            ["--weights", "x"],
            "--weights: expected together with --against-eager, got it alone; add",
        ),
        (
            ["--model", "x"],
            "--model, --arg: expected together with --against-eager, got them alone",
        ),
    ],
)
def test_refused_options(capsys, options, message):
    assert main(["eval", "a.pte", "d.npz", *options]) == 2
    assert message in capsys.readouterr().err


def test_eager_needs_the_weights_of_the_artifact(artifact, data, capsys):
    arguments = ["eval", str(artifact), str(data), "--against-eager", "--weights", "random"]
    assert main(arguments) == 2
    assert "expected the weights that the artifact was made from" in capsys.readouterr().err


def test_bar_on_a_terminal_alone(artifact, data):
    terminal, end = pty.openpty()
    termios.tcsetwinsize(end, (24, 80))
    done = subprocess.run(
        [sys.executable, "-m", "hvit_edge.cli", "eval", artifact.path, data, "--format", "json"],
        stdout=subprocess.PIPE,
        stderr=end,
        check=True,
    )
    os.close(end)
    shown = os.read(terminal, 10_000).decode()
    os.close(terminal)
    assert "\reval:   0%" in shown and "/6 [" in shown
    assert json.loads(done.stdout)["images"] == 6


def test_answers_to_single_images(artifact, data, tmp_path, capsys):
    path = tmp_path / "answers.jsonl"
    report, _ = eval_json(capsys, artifact, data, "--answers", path)
    header, *rows = [json.loads(line) for line in path.read_text().splitlines()]
    assert (header["task"], header["images"]) == ("classify", 6)
    assert sum(row["rank"] == 0 for row in rows) == 4
    assert "answers" not in report
    assert main(["eval", str(artifact), str(data), "--answers", str(path)]) == 2
    assert "expected a new file" in capsys.readouterr().err

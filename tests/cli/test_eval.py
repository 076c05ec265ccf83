"""`hvit-edge eval` on a real artifact; the arithmetic is tested in test_evaluate.py."""

import json
import os
import pty
import subprocess
import sys
import termios

import numpy as np
import pytest
from PIL import Image

from hvit_edge.cli import main
from hvit_edge.runtime import Classifier


@pytest.fixture
def data(artifact, photo, tmp_path):
    """Six crops of a photo; the first four are labelled as the runtime sees them, two wrongly."""
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


def test_text_of_a_folder_with_an_unreadable_image(artifact, photo, tmp_path, capsys):
    (tmp_path / "cat").mkdir()
    (tmp_path / "cat" / "a.jpg").write_bytes(photo.read_bytes())
    (tmp_path / "cat" / "bad.png").write_bytes(b"broken")
    assert main(["eval", str(artifact), str(tmp_path)]) == 0
    out, err = capsys.readouterr()
    assert "  top-1    100.00 %\n  top-5    100.00 %\n  images   1\n  skipped  1\n" in out
    assert "  class  images     top-1     top-5\n  cat         1  100.00 %  100.00 %\n" in out
    assert err.startswith("warning: skipped cat/bad.png: [load_image]")


def test_data_that_does_not_fit_is_refused(artifact, tmp_path, capsys):
    images = np.zeros((1, 4, 4, 3), np.uint8)
    np.savez(tmp_path / "d.npz", images=images, labels=np.array([10]))
    assert main(["eval", str(artifact), str(tmp_path / "d.npz")]) == 2
    assert "expected labels from 0 to 9" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--limit", "0"], "--limit: expected a whole number of at least 1, got 0"),
        (["--weights", "x"], "--weights: expected together with --against-eager"),
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

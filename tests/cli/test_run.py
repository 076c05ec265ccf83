"""`hvit-edge run`: predictions, self test, errors."""

import json
import os
import struct
import subprocess
import sys

import pytest
from PIL import Image

from hvit_edge import runtime
from hvit_edge.cli import main

CIFAR10 = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]


def run_json(capsys, *arguments, code=0):
    assert main(["run", *(str(a) for a in arguments), "--format", "json"]) == code
    out, err = capsys.readouterr()
    return json.loads(out), err


def test_json_has_labels_indices_and_scores(artifact, photo, capsys):
    report, err = run_json(capsys, artifact, photo, "--top-k", 10, "--threads", 1)
    assert err == ""
    assert (report["artifact"], report["model"]) == (str(artifact), "mobilevit_xxs")
    (result,) = report["results"]
    assert result["photo"] == str(photo)
    predictions = result["predictions"]
    assert all(p["label"] == CIFAR10[p["index"]] for p in predictions)
    scores = [p["score"] for p in predictions]
    assert scores == sorted(scores, reverse=True)
    assert sum(scores) == pytest.approx(1, abs=1e-5)
    assert "self_test" not in report


def test_cat_is_a_cat_in_text(artifact, photo, capsys):
    assert main(["run", str(artifact), str(photo)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == str(photo)
    assert lines[1].endswith(" %  cat")
    assert len(lines) == 6, "the photo and five classes"


def test_self_test_alone(artifact, capsys):
    report, _ = run_json(capsys, artifact, "--self-test")
    assert report["results"] == []
    assert report["self_test"]["passed"] is True
    assert report["self_test"]["top1_agree"] is True
    assert main(["run", str(artifact), "--self-test"]) == 0
    assert capsys.readouterr().out.startswith("self test passed: max abs ")


def test_failed_self_test_exits_with_3(artifact, capsys, monkeypatch):
    failed = runtime.SelfTest(passed=False, max_abs=1.0, max_rel=0.5, top1_agree=False)
    monkeypatch.setattr(runtime.Session, "self_test", lambda self: failed)
    report, _ = run_json(capsys, artifact, "--self-test", code=3)
    assert report["self_test"]["passed"] is False
    assert main(["run", str(artifact), "--self-test"]) == 3
    assert "self test FAILED: max abs 1.00e+00" in capsys.readouterr().out


def test_neither_photo_nor_self_test_is_refused(artifact, capsys):
    assert main(["run", str(artifact)]) == 2
    assert "at least one PHOTO, --input or --self-test" in capsys.readouterr().err


def test_unreadable_photos_do_not_stop_the_others(artifact, photo, tmp_path, capsys):
    bad, missing = tmp_path / "bad.jpg", tmp_path / "missing.jpg"
    bad.write_bytes(b"not a picture")
    report, err = run_json(capsys, artifact, bad, photo, missing, code=2)
    assert [("error" in r, "predictions" in r) for r in report["results"]] == [
        (True, False),
        (False, True),
        (True, False),
    ]
    assert [line.split("]")[0] for line in err.splitlines()] == ["error: [load_image"] * 2
    assert str(bad) in err and str(missing) in err


def test_metadata_of_a_camera_does_not_stop_the_others(artifact, photo, tmp_path, capsys):
    """The unit of the resolution is a fraction, which the standard does not allow."""
    entries = struct.pack("<HHII", 0x0112, 3, 1, 3) + struct.pack("<HHII", 0x0128, 5, 1, 38)
    exif = b"II*\0" + struct.pack("<IH", 8, 2) + entries + bytes(4) + struct.pack("<II", 2, 1)
    with Image.open(photo) as image:
        image.rotate(180).save(tmp_path / "turned.png", exif=exif)
        image.save(tmp_path / "plain.png")
    broken, odd = tmp_path / "zero.jpg", tmp_path / "new\nline.heic"
    broken.write_bytes(b"")
    odd.write_bytes(b"no image")
    photos = [tmp_path / "turned.png", broken, tmp_path / "plain.png", odd, tmp_path]
    report, err = run_json(capsys, artifact, *photos, code=2)
    turned, zero, plain, line, folder = report["results"]
    assert turned["predictions"] == plain["predictions"]
    assert plain["predictions"][0]["label"] == "cat"
    for result, path in ((zero, broken), (line, odd), (folder, tmp_path)):
        assert result["photo"] == str(path) and result["error"].startswith("[load_image]")
    assert len(err.splitlines()) == 3 and "new\\nline.heic" in err
    assert main(["run", str(artifact), *map(str, photos)]) == 2
    out, err = capsys.readouterr()
    assert out.count("cat") >= 2 and len(err.splitlines()) == 3


def test_all_photos_unreadable_leaves_text_stdout_empty(artifact, tmp_path, capsys):
    assert main(["run", str(artifact), str(tmp_path / "missing.jpg")]) == 2
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("mode", "size"), [("L", (1, 1)), ("CMYK", (20000, 10)), ("P", (9, 9)), ("RGBA", (30, 50))]
)
def test_odd_photos_are_classified(artifact, tmp_path, capsys, mode, size):
    path = tmp_path / ("a.tif" if mode == "CMYK" else "a.png")
    Image.new(mode, size).save(path)
    report, _ = run_json(capsys, artifact, path)
    assert len(report["results"][0]["predictions"]) == 5


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
@pytest.mark.parametrize("name", [b"\xff.jpg", "k\u00e4tzchen.jpg".encode()])
def test_file_names_of_any_bytes(artifact, photo, tmp_path, name, encoding):
    path = os.path.join(os.fsencode(tmp_path), name)
    os.symlink(os.fsencode(photo), path)
    for options in ([], ["--format", "json"]):
        done = subprocess.run(
            [sys.executable, "-m", "hvit_edge.cli", "run", str(artifact), path, *options],
            capture_output=True,
            check=False,
            env={**os.environ, "PYTHONIOENCODING": encoding},
        )
        assert (done.returncode, done.stderr) == (0, b"")
        assert b"cat" in done.stdout
    report = json.loads(done.stdout)
    assert os.fsencode(report["results"][0]["photo"]) == path


@pytest.mark.parametrize("top_k", ["0", "-1", "x"])
def test_impossible_top_k_is_refused(artifact, photo, capsys, top_k):
    assert main(["run", str(artifact), str(photo), "--top-k", top_k]) == 2
    assert f"--top-k: expected a whole number of at least 1, got {top_k}" in capsys.readouterr().err


@pytest.mark.parametrize("verb", ["run", "inspect", "bench", "eval", "validate"])
@pytest.mark.parametrize("kind", ["truncated", "missing", "empty", "foreign"])
def test_unusable_artifacts_are_refused(truncated, photo, tmp_path, capsys, verb, kind):
    path = truncated if kind == "truncated" else tmp_path / "other.pte"
    if kind in ("empty", "foreign"):
        path.write_bytes(b"" if kind == "empty" else photo.read_bytes())
    data = {"run": [str(photo)], "eval": [str(tmp_path)]}.get(verb, [])
    assert main([verb, str(path), *data, "--format", "json"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: [") and len(err.splitlines()) == 1
    assert str(path) in err

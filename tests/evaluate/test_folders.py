"""Evaluation of real folders: broken, foreign and empty contents are named."""

import io
import json
import os
import struct
import sys
from collections import Counter
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from hvit_edge.cli import main
from hvit_edge.errors import InputError
from hvit_edge.evaluate.accuracy import evaluate

LABELS = ("cat", "dog", "bird", "frog", "ship")
CORRECT = {"cat": 1.0, "dog": 0.5, "bird": 0.75}


@pytest.fixture
def artifact(tmp_path, monkeypatch):
    """Install a stub that returns the first byte of the image as its class."""

    class Classifier:
        def __init__(self, path, *, threads=0, method=None):
            self.metadata, self.classes = SimpleNamespace(labels=LABELS), len(LABELS)
            self.backend = "C++ runtime"

        def logits(self, image):
            return np.eye(1, len(LABELS), k=int(image[0, 0, 0]), dtype=np.float32)

    session = SimpleNamespace(metadata=SimpleNamespace(task="classify"))
    stub = SimpleNamespace(Classifier=Classifier, Session=lambda path, *, prepare: session)
    monkeypatch.setitem(sys.modules, "hvit_edge.runtime", stub)
    path = tmp_path / "x.pte"
    path.write_bytes(b"artifact")
    return path


def png(answer, side=2):
    stream = io.BytesIO()
    Image.new("RGB", (side, side), (answer, 0, 0)).save(stream, "PNG")
    return stream.getvalue()


def broken_photos(folder):
    """Write ten files that are named like images, each broken differently; return their names."""
    noise = Image.effect_noise((64, 64), 60)
    stream = io.BytesIO()
    noise.save(stream, "JPEG")
    jpeg = stream.getvalue()
    (folder / "zero.jpg").write_bytes(b"")
    (folder / "text.png").write_bytes(b"<html>404 Not Found</html>")
    (folder / "cut.jpeg").write_bytes(jpeg[: len(jpeg) // 2])
    damaged = bytearray(png(0))
    damaged[damaged.index(b"IDAT") + 8] ^= 0xFF
    (folder / "checksum.png").write_bytes(damaged)
    (folder / "phone.heic").write_bytes(struct.pack(">I", 16) + b"ftypheic\0\0\0\0")
    os.symlink(folder / "nowhere", folder / "link.jpg")
    (folder / "folder.jpg").mkdir()
    Image.fromarray(np.array([[np.nan, 1]], np.float32)).save(folder / "nan.tif")
    Image.fromarray(np.array([[0, 200]], np.uint16)).save(folder / "dark.tif")
    (folder / "new\nline.gif").write_bytes(b"GIF89a\0\0\0\0")
    return sorted(os.listdir(folder))


@pytest.fixture
def thousand(tmp_path, monkeypatch):
    """Write a thousand photos of three classes, ten broken; three other files; an empty class.

    Returns the folder, and the names of the broken photos.
    """
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    root, pool = tmp_path / "data", tmp_path / "pool"
    (root / "frog").mkdir(parents=True)
    (root / "frog" / ".DS_Store").write_bytes(b"hidden")
    (root / "frog" / "Thumbs.db").write_bytes(b"hidden")
    pool.mkdir()
    for answer in range(len(LABELS)):
        (pool / str(answer)).write_bytes(png(answer))
    for label in CORRECT:
        (root / label).mkdir()
    broken = [f"bird/{name}" for name in broken_photos(root / "bird")]
    for label, count in {"cat": 400, "dog": 400, "bird": 190}.items():
        right = round(CORRECT[label] * count)
        for index in range(count):
            answer = LABELS.index(label) + (0 if index < right else 1)
            os.link(pool / str(answer), root / label / f"{index:04}.png")
    (root / "cat" / "notes.txt").write_text("no image")
    (root / "dog" / "clip.mp4").write_bytes(b"film")
    (root / "bird" / "raw.cr2").write_bytes(b"raw")
    return root, broken


def test_a_thousand_photos_with_ten_broken_ones(artifact, thousand, tmp_path):
    root, broken = thousand
    report = evaluate(artifact, root, allow_empty=True)
    right = 400 + 200 + round(0.75 * 190)
    assert (report.images, report.top1) == (990, right / 990)
    assert [(row.label, row.images, row.top1) for row in report.per_class] == [
        ("cat", 400, 1.0),
        ("dog", 400, 0.5),
        ("bird", 190, round(0.75 * 190) / 190),
    ]
    assert sorted(item.name for item in report.skipped) == broken and len(broken) == 10
    assert all(item.reason.startswith("[") and "\n" not in item.reason for item in report.skipped)
    assert sorted(report.ignored.names) == ["bird/raw.cr2", "cat/notes.txt", "dog/clip.mp4"]
    assert report.ignored.count == 3
    assert [
        (one.label, one.index, one.folders, one.unreadable) for one in report.empty_classes
    ] == [("frog", 3, ("frog",), 0)]
    assert report.absent_classes.names == ("ship",)

    state = tmp_path / "state.jsonl"
    assert evaluate(artifact, root, allow_empty=True, workers=3, batch=50) == report
    assert evaluate(artifact, root, allow_empty=True, resume=state) == report
    kept = state.read_bytes().splitlines(keepends=True)
    state.write_bytes(b"".join(kept[: len(kept) // 2]))
    assert evaluate(artifact, root, allow_empty=True, resume=state, workers=2) == report
    with pytest.raises(InputError, match=r"in every class folder, got none in frog \(no image\); "):
        evaluate(artifact, root)


def test_the_command_line_gives_the_numbers_and_names_all_fourteen(artifact, thousand, capsys):
    root, broken = thousand
    assert main(["eval", str(artifact), str(root)]) == 2
    text, err = capsys.readouterr()
    assert "  images   990\n  skipped  10\n  ignored  3: " in text
    assert "  empty    1: frog (no image)\n  absent   1: ship\n" in text
    for name in (*broken, "bird/raw.cr2", "cat/notes.txt", "dog/clip.mp4", "frog"):
        assert name.replace("\n", "\\n") in err
    assert err.splitlines()[-1].startswith("error: [evaluate] ")
    assert len(err.splitlines()) == 10 + 1 + 1, "one line each"
    assert main(["eval", str(artifact), str(root), "--allow-empty", "--format", "json"]) == 0
    out, err = capsys.readouterr()
    report = json.loads(out)
    assert sorted(item["name"] for item in report["skipped"]) == broken
    assert report["ignored"]["count"] == 3 and len(report["ignored"]["names"]) == 3
    (empty,) = report["empty_classes"]
    assert (empty["label"], empty["unreadable"]) == ("frog", 0)
    assert "warning: no readable image of class frog (no image)" in err


def fill(root, **classes):
    """Write class folders with files of any names and bytes."""
    for label, files in classes.items():
        (root / label).mkdir(parents=True)
        for name, content in files.items():
            (root / label / name).write_bytes(content)
    return root


def test_a_class_whose_photos_are_all_unreadable_is_empty(artifact, tmp_path, capsys):
    root = fill(tmp_path / "d", cat={"a.png": png(0)}, dog={"b.jpg": b"", "c.jpg": b"no"})
    report = evaluate(artifact, root, allow_empty=True)
    assert (report.images, report.top1) == (1, 1.0)
    assert [str(one) for one in report.empty_classes] == ["dog (2 unreadable)"]
    with pytest.raises(InputError, match=r"got none in dog \(2 unreadable\); .*allow_empty=True"):
        evaluate(artifact, root)
    assert main(["eval", str(artifact), str(root)]) == 2
    assert "100.00 %" in capsys.readouterr().out


def test_folders_of_other_names_than_their_classes_are_named(artifact, tmp_path):
    files = {"a.png": png(0)}
    root = fill(tmp_path / "d", n1=files, n2=files, n3=files, n4=files, n5={})
    (empty,) = evaluate(artifact, root, allow_empty=True).empty_classes
    assert str(empty) == "ship (no image, folder n5)"


def test_two_folders_of_one_class_are_one_class(artifact, tmp_path):
    root = fill(tmp_path / "d", cat={}, Cat={"a.png": png(0)})
    assert evaluate(artifact, root).empty_classes == []


def test_a_limit_leaves_no_class_empty(artifact, tmp_path):
    files = {"a.png": png(0), "b.png": png(0)}
    report = evaluate(artifact, fill(tmp_path / "d", cat=files, dog=files), limit=1)
    assert report.empty_classes == [] and report.absent_classes.names == ("bird", "frog", "ship")


def test_classes_without_an_image_in_an_npz_are_named(artifact, tmp_path):
    np.savez(tmp_path / "d.npz", images=np.zeros((2, 2, 2, 3), np.uint8), labels=np.array([0, 3]))
    report = evaluate(artifact, tmp_path / "d.npz")
    assert report.absent_classes.names == ("dog", "bird", "ship")
    assert report.empty_classes == []


def test_only_foreign_files_are_named_in_the_refusal(artifact, tmp_path):
    root = fill(tmp_path / "d", cat={"a.xyz": b"", "b.doc": b""}, dog={"c.xyz": b""})
    with pytest.raises(InputError, match=r"none among 3 files with other names \(cat/a.xyz, cat/b"):
        evaluate(artifact, root)


def test_a_photo_that_the_classifier_refuses_does_not_stop_the_others(artifact, tmp_path):
    runtime = sys.modules["hvit_edge.runtime"].Classifier
    answer = runtime.logits

    def logits(self, image):
        if image.shape[0] > 2:
            raise InputError("[Preprocess] expected a photo whose resized form is smaller")
        return answer(self, image)

    runtime.logits = logits
    root = fill(tmp_path / "d", cat={"a.png": png(0), "b.png": png(0, side=3)})
    report = evaluate(artifact, root)
    assert report.images == 1
    assert [item.name for item in report.skipped] == ["cat/b.png"]


def test_many_files_are_counted_and_the_first_ten_named(artifact, tmp_path, capsys):
    notes = {f"{index:02}.txt": b"" for index in range(25)}
    root = fill(tmp_path / "d", cat={"a.png": png(0)} | notes)
    assert main(["eval", str(artifact), str(root)]) == 0
    out, err = capsys.readouterr()
    assert "  ignored  25: cat/00.txt, " in out and "cat/09.txt and 15 more\n" in out
    assert Counter(err)["\n"] == 1

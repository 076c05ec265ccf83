"""`hvit-edge run` with artifacts that embed, segment and detect: text, JSON and pictures."""

import json
from pathlib import Path

import numpy as np
import pycocotools.mask
import pytest
from PIL import Image

from hvit_edge import Detector, Embedder, Segmenter, load_image
from hvit_edge.cli import main
from hvit_edge.cli.run_task import _drawn
from hvit_edge.runtime import Mask

DATA = Path(__file__).parents[2] / "cpp/tests/data"
EMBED, SEGMENT, DETECT = (DATA / f"native_{name}_v2.pte" for name in ("embed", "segment", "detect"))


@pytest.fixture
def photo(tmp_path):
    """A photo whose left half is red, and whose lower right quarter is blue."""
    pixels = np.full((60, 80, 3), 128, np.uint8)
    pixels[:, :40] = (255, 0, 0)
    pixels[30:, 40:] = (0, 0, 255)
    path = tmp_path / "photo.png"
    Image.fromarray(pixels).save(path)
    return path


def run(*arguments, code=0):
    assert main(["run", *(str(a) for a in arguments)]) == code


def run_json(capsys, *arguments, code=0):
    run(*arguments, "--format", "json", code=code)
    return json.loads(capsys.readouterr().out)


def test_an_embedding(photo, capsys):
    report = run_json(capsys, EMBED, photo)
    assert (report["task"], report["model"]) == ("embed", "tiny_embed")
    (result,) = report["results"]
    assert result["embedding"] == pytest.approx(Embedder(EMBED)(photo).tolist())
    run(EMBED, photo)
    assert "5 values, length 1.0000: " in capsys.readouterr().out


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_a_mask_in_cocos_form(photo, capsys):
    report = run_json(capsys, SEGMENT, photo)
    (result,) = report["results"]
    assert result["size"] == [60, 80]
    mask = Segmenter(SEGMENT)(photo)
    rebuilt = np.zeros((60, 80), int)
    for segment in result["segments"]:
        own = pycocotools.mask.decode(segment["segmentation"])
        assert segment["area"] == own.sum() > 0
        rebuilt[own == 1] = segment["index"]
        assert segment["label"] == mask.labels[segment["index"]]
        assert segment["color"] == mask.colors[segment["index"]]
    assert np.array_equal(rebuilt, mask.classes)
    assert [s["label"] for s in result["segments"]][0] == "red"


def test_a_mask_in_text(photo, capsys):
    run(SEGMENT, photo)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == str(photo)
    share = 100 * float(np.mean(Segmenter(SEGMENT)(photo).classes == 1))
    assert lines[1].split() == [f"{share:.2f}", "%", "red"]
    assert sum(float(line.split()[0]) for line in lines[1:]) == pytest.approx(100, abs=0.02)


def test_boxes(photo, capsys):
    report = run_json(capsys, DETECT, photo)
    assert report["score_threshold"] == 0.3
    (result,) = report["results"]
    found = Detector(DETECT)(photo, score_threshold=0.3)
    assert len(found) > 0
    assert result["detections"] == [
        {
            "label": one.label,
            "index": one.index,
            "score": pytest.approx(one.score),
            "bbox": pytest.approx([one.x, one.y, one.width, one.height]),
        }
        for one in found
    ]
    run(DETECT, photo)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1 + len(found)
    assert f"{100 * found[0].score:.2f} %  {found[0].label}" in lines[1]
    assert f"at {found[0].x:.1f}, {found[0].y:.1f}" in lines[1]


def test_no_object_is_no_error(photo, capsys):
    assert run_json(capsys, DETECT, photo, "--score-threshold", 1)["results"][0]["detections"] == []
    run(DETECT, photo, "--score-threshold", 1)
    assert "no object with a score above 1" in capsys.readouterr().out


def test_self_tests(capsys):
    for artifact in (EMBED, SEGMENT, DETECT):
        assert run_json(capsys, artifact, "--self-test")["self_test"]["passed"] is True
        assert main(["validate", str(artifact), "--self-test"]) == 0
        line = capsys.readouterr().out
        assert line.startswith("self test passed: max abs ") and "top-1" not in line


def test_a_mask_is_drawn(photo, tmp_path, capsys):
    target = tmp_path / "out.png"
    run(SEGMENT, photo, "--draw", target)
    assert f"drawn to {target}" in capsys.readouterr().out
    drawn = np.asarray(Image.open(target))
    assert drawn.shape[1] == 80 * 6  # enlarged to be readable
    color = Segmenter(SEGMENT).colors[1]
    expected = 0.45 * np.array([255, 0, 0]) + 0.55 * np.array(list(bytes.fromhex(color[1:])))
    assert drawn[150, 90] == pytest.approx(expected, abs=1)


def test_class_0_keeps_the_photo_without_labels(photo):
    """`Mask.labels` names every class, so that only the artifact says that it has no labels."""
    pixels, classes = load_image(photo), np.zeros((60, 80), np.uint8)
    mask = Mask(classes, None, ("class 0", "class 1"), ("#00ff00", "#ff0000"))
    plain = np.asarray(_drawn(pixels, mask, ()))
    assert (plain[:360] == pixels.repeat(6, 0).repeat(6, 1)).all()
    named = np.asarray(_drawn(pixels, mask, ("road", "car")))
    assert (named[:360] != plain[:360]).any()


def test_boxes_are_drawn_into_a_folder(photo, tmp_path, capsys):
    other = tmp_path / "other.jpg"
    Image.fromarray(load_image(photo)).save(other)
    folder = tmp_path / "drawn"
    folder.mkdir()
    run(DETECT, photo, other, "--draw", folder)
    assert sorted(path.name for path in folder.iterdir()) == ["other.png", "photo.png"]
    with_boxes = np.asarray(Image.open(folder / "photo.png"))
    assert (with_boxes != load_image(photo).repeat(6, 0).repeat(6, 1)).any()


def test_pictures_are_not_replaced(photo, tmp_path, capsys):
    target = tmp_path / "out.png"
    target.write_text("mine")
    run(SEGMENT, photo, "--draw", target, code=2)
    assert "expected a new file, got an existing one" in capsys.readouterr().err
    assert target.read_text() == "mine"
    run(SEGMENT, photo, "--draw", target, "--force")
    assert Image.open(target).format == "PNG"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((EMBED, "PHOTO", "--draw", "out.png"), "--draw: expected an artifact that segments"),
        ((SEGMENT, "PHOTO", "--draw", "out.txt"), "whose name ends in .png"),
        ((SEGMENT, "PHOTO", "--draw", "none/out.png"), "expected an existing folder"),
        ((SEGMENT, "PHOTO", "PHOTO", "--draw", "out.png"), "an existing folder for 2 photos"),
        ((SEGMENT, "PHOTO", "--score-threshold", "0.5"), "an artifact that detects"),
        (
            (DETECT, "PHOTO", "--top-k", "3"),
            "that classifies, got one of the task detect",
        ),
        ((DETECT, "PHOTO", "--score-threshold", "2"), "a share from 0 to 1, got 2"),
        ((SEGMENT, "PHOTO", "--method", "x"), "expected none with the task segment"),
        ((SEGMENT, "--input", "x.npz"), "which segments photos; pass photos"),
    ],
)
def test_refusals(arguments, message, photo, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run(*(photo if a == "PHOTO" else a for a in arguments), code=2)
    assert message in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["photo.png"]


@pytest.mark.parametrize("place", ["photo.png", "."])
def test_photos_are_not_replaced_by_their_pictures(place, photo, tmp_path, capsys):
    content = photo.read_bytes()
    run(SEGMENT, photo, "--draw", tmp_path / place, "--force", code=2)
    assert "photo.png, which is one of them; name another" in capsys.readouterr().err
    assert photo.read_bytes() == content


def test_photos_of_one_name_are_refused(photo, tmp_path, capsys):
    folder = tmp_path / "drawn"
    folder.mkdir()
    other = folder / "photo.jpg"
    Image.fromarray(load_image(photo)).save(other)
    run(SEGMENT, photo, other, "--draw", folder, code=2)
    assert "photos with different names" in capsys.readouterr().err
    run(SEGMENT, photo, photo, "--draw", folder, code=2)
    assert "photos with different names" in capsys.readouterr().err
    assert list(folder.iterdir()) == [other]


def test_an_unreadable_photo_does_not_stop_the_others(photo, tmp_path, capsys):
    broken = tmp_path / "broken.png"
    broken.write_text("no image")
    run(SEGMENT, broken, photo, "--format", "json", code=2)
    out, err = capsys.readouterr()
    first, second = json.loads(out)["results"]
    assert "broken.png" in first["error"] and "segments" in second
    assert err.startswith("error: ")


def test_a_classifier_has_nothing_to_draw(tmp_path, photo, capsys):
    artifact = next(iter(sorted(DATA.glob("tiny*.pte"))))
    run(artifact, photo, "--draw", tmp_path / "x.png", code=2)
    assert "expected an artifact that segments or detects" in capsys.readouterr().err

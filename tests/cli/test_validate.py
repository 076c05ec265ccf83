"""`hvit-edge validate`."""

import json

import pytest
from PIL import Image

from hvit_edge import parity
from hvit_edge.cli import main

STEPS = ["exported", "rewritten", "lowered", "runtime"]


def test_json(artifact, capsys):
    assert main(["validate", str(artifact), "--format", "json"]) == 0
    out, err = capsys.readouterr()
    report = json.loads(out)
    assert err == ""
    assert (report["artifact"], report["passed"]) == (str(artifact), True)
    assert report["images"] >= 4, "all bundled photos"
    assert [step["name"] for step in report["steps"]] == STEPS
    assert all(step["max_rel"] <= report["rtol"] == 1e-4 for step in report["steps"])
    assert all(step["top1_agree"] == 1 for step in report["steps"])
    assert report["first_break"] is None


def test_text_on_a_folder_of_photos(artifact, photo, tmp_path, capsys):
    with Image.open(photo) as image:
        image.rotate(20).save(tmp_path / "a.png")
    assert main(["validate", str(artifact), "--data", str(tmp_path), "--threads", "1"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"{artifact}: 1 photos, tolerance 0.0001"
    assert [line.split()[0] for line in lines[3:]] == STEPS
    assert all(line.endswith("  100.00 %  ok") for line in lines[3:])


def test_missed_tolerance_exits_with_3_and_names_the_step(artifact, photo, capsys):
    arguments = ["validate", str(artifact), "--data", str(photo), "--rtol", "1e-12"]
    assert main([*arguments, "--format", "json"]) == 3
    report = json.loads(capsys.readouterr().out)
    assert report["passed"] is False
    assert report["first_break"] == "rewritten"


def test_options_reach_the_validation_and_a_break_is_shown(monkeypatch, capsys):
    seen = []

    class Report:
        def to_dict(self):
            step = {"max_abs": float("inf"), "max_rel": 0.5, "cosine": 0.1, "top1_agree": 0.25}
            return {
                "artifact": "a.pte",
                "images": 4,
                "skipped": [{"name": "torn.jpg", "reason": "no image"}],
                "rtol": 1e-3,
                "passed": False,
                "first_break": "lowered",
                "first_module": "stages.2.norm",
                "steps": [{"name": "lowered", "passed": False, **step}],
            }

    def record(artifact, **options):
        seen.append((artifact, options))
        return Report()

    monkeypatch.setattr(parity, "validate", record)
    arguments = "validate a.pte --data d --weights w.pth --rtol 1e-3 --threads 3 --bisect"
    assert main(arguments.split()) == 3
    assert seen == [
        (
            "a.pte",
            {"data": "d", "weights": "w.pth", "rtol": 1e-3, "threads": 3, "bisect": True},
        )
    ]
    out = capsys.readouterr().out
    assert "  lowered      inf  5.00e-01  0.1000000       25.00 %  BREAKS\n" in out
    assert out.endswith(
        "The first step that breaks: lowered\nThe first module that differs: stages.2.norm\n"
    )
    main([*arguments.split(), "--format", "json"])
    assert json.loads(capsys.readouterr().out)["steps"][0]["max_abs"] is None


@pytest.mark.parametrize("data", ["nowhere", "empty"])
def test_unusable_data_is_refused(artifact, tmp_path, capsys, data):
    (tmp_path / "empty").mkdir()
    assert main(["validate", str(artifact), "--data", str(tmp_path / data)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: [datasets]") and data in err


def test_weights_of_another_model_are_refused(artifact, capsys):
    assert main(["validate", str(artifact), "--weights", "random"]) == 2
    assert "expected the weights that" in capsys.readouterr().err

"""`hvit-edge inspect` shows what an artifact computes from a photo."""

import json
from pathlib import Path

import pytest

from hvit_edge.cli import main

DATA = Path(__file__).parents[2] / "cpp/tests/data"


def inspected(capsys, task, *options):
    assert main(["inspect", str(DATA / f"native_{task}_v2.pte"), *options]) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize(
    ("task", "lines"),
    [
        ("embed", ["embed: a photo to a vector, length 1 (L2)"]),
        ("segment", ["segment: a photo to the class of each pixel", "#ff0000"]),
        ("detect", ["detect: a photo to boxes", "12 anchors, variances 0.1, 0.2", "score above"]),
    ],
)
def test_the_task_in_text(task, lines, capsys):
    text = inspected(capsys, task)
    for line in lines:
        assert line in text
    assert "answers agree" in text and "top-1" not in text


def test_the_fields_in_json(capsys):
    meta = json.loads(inspected(capsys, "detect", "--format", "json"))["metadata"]
    assert (meta["task"], meta["output_names"]) == ("detect", ["logits", "offsets"])
    assert meta["detect"]["anchors"] == 12
    assert meta["detect"]["variances"] == pytest.approx([0.1, 0.2])
    for task, field in (("embed", "normalize"), ("segment", "colors")):
        fields = json.loads(inspected(capsys, task, "--format", "json"))["metadata"]
        assert fields[field] and fields["detect"] is None

"""`hvit-edge bench` and `profile` measure artifacts of every task."""

import json
from pathlib import Path

import pytest

from hvit_edge.cli import main

DATA = Path(__file__).parents[2] / "cpp/tests/data"


@pytest.mark.parametrize("task", ["embed", "segment", "detect"])
def test_times_of_a_task(task, capsys):
    path = str(DATA / f"native_{task}_v2.pte")
    assert main(["bench", path, "--iterations", "2", "--warmup", "0", "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["iterations"] == 2
    assert main(["profile", path, "--iterations", "2", "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["operators"]

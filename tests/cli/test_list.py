"""`hvit-edge list`."""

import json

from hvit_edge.cli import main
from hvit_edge.models import list_models, sequence_models


def test_json_lists_the_registry(capsys):
    assert main(["list", "--format", "json"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert json.loads(out) == [
        {
            "name": info.name,
            "params": info.params,
            "input_size": list(info.input_size),
            "sources": list(info.sources),
            "task": info.task,
        }
        for info in [*list_models(), *sequence_models()]
    ]


def test_text_aligns_and_names_bundled_weights(capsys):
    assert main(["list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["model", "task", "params", "input", "weights"]
    (row,) = (line for line in lines if line.startswith("  mobilevit_xxs "))
    assert "1.27 M  256x256  " in row and row.endswith(", cifar10, random")
    assert lines[-1] == "Next: hvit-edge compile MODEL --weights SOURCE"


def test_text_names_the_task_of_each_model(capsys):
    assert main(["list"]) == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines()[2:-2]]
    tasks = {row[0]: row[1] for row in rows if len(row) > 4}
    assert tasks["mobilevit_xxs"] == "classify" and tasks["conformer1d_s"] == "tensor"
    assert tasks["deeplabv3_mobilevit_s"] == "segment" and tasks["ssdlite_mobilevit_xs"] == "detect"

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
        }
        for info in [*list_models(), *sequence_models()]
    ]


def test_text_aligns_and_names_bundled_weights(capsys):
    assert main(["list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["model", "params", "input", "weights"]
    (row,) = (line for line in lines if line.startswith("  mobilevit_xxs "))
    assert "1.27 M  256x256  " in row and row.endswith(", cifar10, random")
    assert lines[-1] == "Next: hvit-edge compile MODEL --weights SOURCE"

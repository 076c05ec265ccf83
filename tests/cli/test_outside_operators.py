"""Operators outside the delegates, as the verbs name them."""

import json

import numpy as np
import pytest

from hvit_edge.cli import main
from hvit_edge.cli.text import SHOWN_OUTSIDE, outside

NET = """
import torch
from torch import nn


class Rank(nn.Module):
    def forward(self, x):
        return torch.topk(torch.topk(x, 5)[0], 3)[0]


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.rank, self.last = nn.Linear(8, 8), Rank(), nn.Linear(3, 2)

    def forward(self, x):
        return self.last(self.rank(self.first(x)))


def build():
    return Net().eval()
"""


def test_the_most_frequent_ones_are_named():
    lines = outside([("a", "x"), ("b", ""), ("a", "x")], "f.pte")
    assert lines == [
        "a in x, 2 times",
        "b in the root",
        "hvit-edge profile f.pte measures their share of the time",
    ]
    assert outside([], "f.pte") == []
    many = outside([(f"op{index}", "x") for index in range(SHOWN_OUTSIDE + 3)], "f.pte")
    assert len(many) == SHOWN_OUTSIDE + 2
    assert many[-2] == "... and 3 more; --format json has all"


@pytest.mark.slow
@pytest.mark.parametrize("target", ["xnnpack", "native"])
def test_every_verb_names_them_with_their_module(target, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.py").write_text(NET)
    np.savez("sample.npz", x=np.arange(8, dtype=np.float32).reshape(1, 8))
    words = ["compile", "net.py:build", "--sample", "sample.npz", "--target", target]
    assert main([*words, "-o", "a.pte"]) == 0
    named = "aten.topk.default in rank, 2 times"
    out = capsys.readouterr().out
    assert named in out and "hvit-edge profile a.pte measures their share of the time" in out
    assert main(["inspect", "a.pte"]) == 0
    out = capsys.readouterr().out
    assert named in out and "aten::topk.values" in out
    assert main(["profile", "a.pte", "--iterations", "2", "--top", "1"]) == 0
    out = capsys.readouterr().out
    (row,) = [line.split() for line in out.splitlines() if line.startswith("  aten::topk")][-1:]
    assert row[:3] == ["aten::topk.values", "rank", "2"]
    assert "outside delegates  module  calls" in out
    assert main(["profile", "a.pte", "--iterations", "2", "--format", "json"]) == 0
    report = json.loads(capsys.readouterr().out)
    calls = [each for each in report["operators"] if each["group"] == "outside delegates"]
    assert [each["module"] for each in calls] == ["rank", "rank"]
    share = sum(each["share"] for each in calls)
    assert report["outside_delegates"]["share"] == pytest.approx(share) and share > 0

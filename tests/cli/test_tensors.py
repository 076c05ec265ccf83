"""Modules of any inputs and outputs on the command line."""

import json
import shlex

import numpy as np
import pytest

from hvit_edge.cli import main
from hvit_edge.cli.compile import _describe

JSON = ["--format", "json"]
NET = """
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self, width=8):
        super().__init__()
        torch.manual_seed(0)
        self.x, self.y, self.head = nn.Linear(5, width), nn.Linear(3, width), nn.Linear(width, 4)

    def forward(self, x, y):
        features = torch.relu(self.x(x) + self.y(y))
        return {"features": features, "logits": self.head(features)}


def build(width=8):
    return Net(width).eval()
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.py").write_text(NET)
    rng = np.random.default_rng(0)
    x, y = (rng.standard_normal((6, 2, side)).astype(np.float32) for side in (5, 3))
    np.savez("sample.npz", x=x[0], y=y[0])
    np.savez("samples.npz", x=x, y=y)
    np.savez("wrong.npz", x=x[0], z=y[0])
    return tmp_path


def test_a_factory_with_a_sample_and_every_next_line(folder, capsys):
    words = ["compile", "net.py:build", "--sample", "sample.npz", "--target", "native"]
    assert main([*words, "-o", "a.pte"]) == 0
    out = capsys.readouterr().out
    assert "inputs             x: float32 [2, 5]\n" in out
    assert "sample             sample.npz" in out and "labels" not in out
    lines = out.split("Next:\n")[1].strip().splitlines()
    assert len(lines) == 2
    assert lines[0].strip().startswith("hvit-edge validate a.pte")
    assert main(shlex.split(lines[0])[1:]) == 0
    out = capsys.readouterr().out
    assert "a.pte: 1 sample, fp32, expected max_rel <= 0.0001\n" in out
    assert "samples: the golden sample (sample.npz)" in out
    assert (
        main(["validate", "a.pte", "--model", "net.py:build", "--sample", "samples.npz", *JSON])
        == 0
    )
    report = json.loads(capsys.readouterr().out)
    assert (report["task"], report["images"], report["samples"]) == ("tensor", 6, "samples.npz")


def test_a_sample_of_another_module(folder, capsys):
    assert main(["compile", "net.py:build", "--sample", "wrong.npz"]) == 2
    err = capsys.readouterr().err
    assert "expected the arguments of forward (x, y), got an unknown z, no y" in err
    assert main(["compile", "net.py:build", "--sample", "missing.npz"]) == 2
    assert "expected an NPZ file with an array for each input" in capsys.readouterr().err


def test_the_next_lines_stay_where_rewrites_were_left_out(folder, capsys):
    assert main(["compile", "net.py:build", "--sample", "sample.npz", "-o", "a.pte", *JSON]) == 0
    report = json.loads(capsys.readouterr().out)
    report["rewrites_left_out"] = [{"rewrite": "fold_scale", "reason": "it changes\nlogits"}]
    shown = _describe(report, ["hvit-edge validate a.pte"])
    assert "rewrites left out  fold_scale: it changes\n" in shown
    assert shown.endswith("Next:\n  hvit-edge validate a.pte")

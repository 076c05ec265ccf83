"""Modules of any inputs and outputs on the command line."""

import json
import shlex

import numpy as np
import pytest
import torch

from hvit_edge import runtime
from hvit_edge.cli import main
from hvit_edge.cli.compile_report import describe_one

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
    assert len(lines) == 3
    assert lines[0].strip() == "hvit-edge run a.pte --self-test"
    assert main(shlex.split(lines[0])[1:]) == 0
    assert capsys.readouterr().out.startswith("self test passed: max abs ")
    assert lines[1].strip().startswith("hvit-edge validate a.pte")
    assert main(shlex.split(lines[1])[1:]) == 0
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
    shown = describe_one(report, ["hvit-edge validate a.pte"])
    assert "rewrites left out  fold_scale: it changes\n" in shown
    assert shown.endswith("Next:\n  hvit-edge validate a.pte")


@pytest.fixture
def made(folder, capsys):
    """Compile the module to a.pte."""
    assert main(["compile", "net.py:build", "--sample", "sample.npz", "-o", "a.pte", *JSON]) == 0
    capsys.readouterr()
    return folder


def reference(name="samples.npz"):
    """Return the outputs of the module in PyTorch for a file of samples, by name."""
    module, arrays = {}, np.load(name)
    exec(NET, module)
    with torch.no_grad():
        found = module["build"]()(*(torch.from_numpy(arrays[key]) for key in ("x", "y")))
    return {key: value.numpy() for key, value in found.items()}


def test_run_gives_every_output_of_every_sample(made, capsys):
    words = ["run", "a.pte", "--input", "samples.npz", "--output", "out.npz"]
    assert main([*words, *JSON]) == 0
    report = json.loads(capsys.readouterr().out)
    expected, written = reference(), np.load("out.npz")
    assert set(written.files) == set(expected)
    for name, wanted in expected.items():
        np.testing.assert_allclose(written[name], wanted, rtol=0, atol=1e-5)
        rows = [one["outputs"][name] for one in report["results"]]
        assert {(row["dtype"], *row["shape"]) for row in rows} == {("float32", *wanted.shape[1:])}
        np.testing.assert_allclose([row["values"] for row in rows], wanted, rtol=0, atol=1e-5)
    assert main(words) == 2
    assert "expected a new file, got an existing one" in capsys.readouterr().err
    assert main([*words, "--force"]) == 0
    out = capsys.readouterr().out
    assert "sample 0" in out and "sample 5" in out and "outputs: out.npz" in out
    assert "features" in out and "mean" in out


def test_run_of_one_sample_keeps_its_shape(made, capsys):
    words = ["run", "a.pte", "--input", "sample.npz", "--output", "out.npz", "--self-test"]
    assert main(words) == 0
    out = capsys.readouterr().out
    assert out.startswith("self test passed: ") and "top-1" not in out
    np.testing.assert_allclose(
        np.load("out.npz")["logits"], reference("sample.npz")["logits"], atol=1e-5
    )


def test_a_failed_self_test_of_arrays_exits_with_3(made, capsys, monkeypatch):
    failed = runtime.SelfTest(passed=False, max_abs=1.0, max_rel=0.5, top1_agree=True)
    monkeypatch.setattr(runtime.Session, "self_test", lambda self: failed)
    assert main(["run", "a.pte", "--self-test"]) == 3
    assert capsys.readouterr().out.startswith("self test FAILED: ")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("a.pte --input wrong.npz", "got no y; an unknown z"),
        ("a.pte --input missing.npz", "expected an NPZ file with an array for each input"),
        ("a.pte photo.jpg --input sample.npz", "expected photos or --input, got both"),
        ("a.pte", "expected at least one PHOTO, --input or --self-test, got none"),
        ("a.pte --self-test --output o.npz", "--output: expected --input as well"),
        ("a.pte photo.jpg", "expected --input FILE.npz, got photos: a.pte takes arrays"),
        ("missing.pte --self-test", "missing.pte"),
    ],
)
def test_refusals_of_run(made, capsys, words, message):
    assert main(["run", *words.split()]) == 2
    assert message in capsys.readouterr().err


def test_a_classifier_takes_no_arrays(artifact, folder, capsys):
    assert main(["run", str(artifact), "--input", "sample.npz"]) == 2
    assert "--input: expected an artifact of arrays, got" in capsys.readouterr().err


def test_a_package_runs_arrays(folder, capsys):
    words = ["compile", "net.py:build", "--sample", "sample.npz", "--target", "coreml"]
    assert main([*words, "-o", "a.mlpackage"]) == 0
    capsys.readouterr()
    assert main(["run", "a.mlpackage", "--input", "sample.npz", "--self-test", *JSON]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["backend"] == "reference evaluator" and report["self_test"]["passed"]
    logits = report["results"][0]["outputs"]["logits"]
    np.testing.assert_allclose(logits["values"], reference("sample.npz")["logits"], atol=5e-3)

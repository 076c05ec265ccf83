"""Check the training on composed scenes: a few steps, resuming, its files and its refusals."""

from __future__ import annotations

import json

import pytest
import torch
import train_shapes
from safetensors.torch import load_file, save_file
from shape_scenes import SHAPES

from hvit_edge.weights.evidence import read_sidecar

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def _one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def arguments(task, output, *more):
    common = ["--input-size", "64", "--batch", "2", "--steps", "3", "--scenes", "2"]
    return [task, "--output", str(output), *common, *more]


@pytest.mark.parametrize("task", ["segment", "detect"])
def test_resumed_run_equals_the_uninterrupted_one(task, tmp_path, capsys):
    whole, parts = tmp_path / "whole.safetensors", tmp_path / "parts.safetensors"
    assert train_shapes.main(arguments(task, whole)) == 0
    assert train_shapes.main(arguments(task, parts, "--max-steps", "2")) == 0
    assert train_shapes.main(arguments(task, parts)) == 0
    printed = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(p["step"], p["finished"]) for p in printed] == [(3, True), (2, False), (3, True)]
    expected, resumed = load_file(whole), load_file(parts)
    assert expected.keys() == resumed.keys()
    assert all(torch.equal(expected[key], resumed[key]) for key in expected)
    assert sum(value.nbytes for value in expected.values()) < 2.5e6
    described = read_sidecar(whole.with_suffix(".json"))
    assert described["labels"][-6:] == SHAPES
    assert described["preprocess"].resized_size(30, 70) == (64, 64)
    assert described["recipe"]["steps"] == described["recipe"]["done"] == 3
    assert len(described["accuracy"]) == 2
    assert all(0 <= percent <= 100 for percent in described["accuracy"].values())


def test_backbone_of_a_file(tmp_path):
    segmenter, detector = tmp_path / "segmenter.safetensors", tmp_path / "detector.safetensors"
    assert train_shapes.main(arguments("segment", segmenter)) == 0
    recipe = ["--backbone", str(segmenter), "--max-steps", "1", "--lr", "0", "--ema", "0"]
    assert train_shapes.main(arguments("detect", detector, *recipe)) == 0
    before, after = load_file(segmenter), load_file(detector)
    weights = [key for key in before if key.startswith("stages.") and before[key].ndim > 1]
    assert len(weights) > 50
    assert all(torch.equal(before[key], after[key]) for key in weights)


def test_refusals(tmp_path, capsys):
    output = tmp_path / "a.safetensors"

    def refused(*more):
        assert train_shapes.main(arguments("segment", output, *more)) == 2
        return capsys.readouterr().err

    assert "cifar10 or a .safetensors file" in refused("--backbone", str(tmp_path / "none"))
    save_file({"stem.conv.weight": torch.zeros(1)}, tmp_path / "part.safetensors")
    assert "pass a file that this script wrote" in refused(
        "--backbone", str(tmp_path / "part.safetensors")
    )
    output.write_bytes(b"")
    assert "pass --force" in refused()


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["segment", "--output", "a.pt"], "must end in .safetensors"),
        (["classify", "--output", "a.safetensors"], "invalid choice"),
    ],
)
def test_usage_errors(argv, message, capsys):
    with pytest.raises(SystemExit) as caught:
        train_shapes.main(argv)
    assert caught.value.code == 2
    assert message in capsys.readouterr().err

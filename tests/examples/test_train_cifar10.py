"""Check the training example: a few steps, resuming, and its refusals."""

from __future__ import annotations

import importlib.util
import io
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from hvit_edge.weights import create_model

SCRIPT = Path(__file__).parent.parent.parent / "examples" / "train_cifar10.py"


@pytest.fixture(scope="module")
def script():
    import sys

    spec = importlib.util.spec_from_file_location("train_cifar10", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look up their module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


@pytest.fixture(autouse=True)
def _one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def data(tmp_path):
    """Return 16 images of two classes that differ in color."""
    labels = np.arange(16, dtype=np.uint8) % 2
    images = np.random.default_rng(0).integers(0, 60, (16, 32, 32, 3), dtype=np.uint8)
    images[labels == 1, :, :, 0] += 190
    np.savez(tmp_path / "data.npz", images=images, labels=labels)
    return tmp_path / "data.npz"


def arguments(data, output, *more):
    common = ["--input-size", "32", "--batch", "8", "--epochs", "2", "--ema", "0.9"]
    files = ["--train", str(data), "--test", str(data), "--output", str(output)]
    return ["mobilevit_xxs", *files, *common, *more]


def test_resumed_run_equals_the_uninterrupted_one(script, data, tmp_path, capsys):
    whole, parts = tmp_path / "whole.safetensors", tmp_path / "parts.safetensors"
    assert script.main(arguments(data, whole)) == 0
    assert script.main(arguments(data, parts, "--max-steps", "1")) == 0
    assert script.main(arguments(data, parts, "--max-steps", "2")) == 0
    assert script.main(arguments(data, parts)) == 0
    printed = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(p["step"], p["finished"]) for p in printed] == [
        (4, True),
        (1, False),
        (2, False),
        (4, True),
    ]
    expected, resumed = load_file(whole), load_file(parts)
    assert expected.keys() == resumed.keys()
    assert all(torch.equal(expected[key], resumed[key]) for key in expected)
    assert not list(tmp_path.glob(".*"))


def test_result_is_what_create_model_loads(script, data, tmp_path, capsys):
    output = tmp_path / "small.safetensors"
    assert script.main(arguments(data, output, "--half", "--max-steps", "2")) == 0
    accuracy = json.loads(capsys.readouterr().out)["accuracy"]["data"]
    model = create_model("mobilevit_xxs", weights=output)
    origin = model.hvit_edge
    assert origin.labels == tuple(script.LABELS)
    assert origin.preprocess.input_size == (32, 32)
    assert origin.preprocess.resize_size == 32  # no crop: the model saw complete images
    with np.load(data) as file:
        x = np.concatenate([origin.preprocess(image) for image in file["images"]])
        labels = torch.from_numpy(file["labels"])
    with torch.no_grad():
        right = model(torch.from_numpy(x)).argmax(1) == labels
    assert accuracy == 100 * right.float().mean().item()
    described = json.loads(output.with_suffix(".json").read_text())
    assert described["accuracy"] == {"data": accuracy}
    assert described["recipe"]["steps"] == 2
    assert load_file(output)["head.weight"].dtype == torch.float16


def test_seed_changes_the_result(script, data, tmp_path):
    for seed in "01":
        output = tmp_path / f"{seed}.safetensors"
        script.main(arguments(data, output, "--seed", seed, "--max-steps", "1"))
    first, second = (load_file(tmp_path / f"{seed}.safetensors") for seed in "01")
    assert not torch.equal(first["head.weight"], second["head.weight"])


def test_jpeg_data(script, data, tmp_path):
    with np.load(data) as file:
        images, labels = file["images"], file["labels"]
    files = []
    for image in images:
        buffer = io.BytesIO()
        Image.fromarray(image).save(buffer, "JPEG", quality=95)
        files.append(np.frombuffer(buffer.getvalue(), np.uint8))
    offsets = np.cumsum([0, *map(len, files)])
    jpeg = tmp_path / "jpeg.npz"
    np.savez(jpeg, bytes=np.concatenate(files), offsets=offsets, labels=labels)
    read = script.read_data(jpeg)
    assert read.images.shape == (16, 3, 32, 32)
    red = read.images[:, 0].float().mean((1, 2))
    assert ((red > 120) == (read.labels == 1)).all()


def test_augmentation_moves_pixels_as_told(script):
    x = torch.arange(2 * 3 * 32 * 32, dtype=torch.float32).reshape(2, 3, 32, 32) + 1
    down, right = torch.tensor([4, 0]).reshape(2, 1, 1), torch.tensor([4, 8]).reshape(2, 1, 1)
    moved = script.shift(x, down, right)
    assert torch.equal(moved[0], x[0])  # 4 is the middle of the padding
    assert torch.equal(moved[1, :, 4:, :28], x[1, :, :28, 4:])
    assert (moved[1, :, :4] == 0).all() and (moved[1, :, :, 28:] == 0).all()
    cut = script.cut_out(x, down, right)
    assert (cut == 0).sum() == 2 * 3 * 64
    assert (cut[0, :, 4:12, 4:12] == 0).all() and (cut[1, :, 0:8, 8:16] == 0).all()


def test_refusals(script, data, tmp_path, capsys):
    output = tmp_path / "a.safetensors"

    def refused(*argv):
        assert script.main(list(argv)) == 2
        captured = capsys.readouterr()
        assert captured.out == ""
        return captured.err

    assert "no such file" in refused(*arguments(tmp_path / "none.npz", output)).lower()
    np.savez(tmp_path / "bad.npz", labels=np.zeros(2, np.uint8))
    assert "expected labels and images" in refused(*arguments(tmp_path / "bad.npz", output))
    np.savez(tmp_path / "big.npz", labels=np.full(2, 10), images=np.zeros((2, 32, 32, 3), np.uint8))
    assert "expected labels below 10" in refused(*arguments(tmp_path / "big.npz", output))
    assert "lower --batch" in refused(*arguments(data, output, "--batch", "17"))
    assert script.main(arguments(data, output, "--max-steps", "1")) == 0
    capsys.readouterr()
    assert "got one with lr 0.003" in refused(*arguments(data, output, "--lr", "0.1"))
    (tmp_path / "a.checkpoint.pt").unlink()
    assert "pass --force" in refused(*arguments(data, output))


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--output", "a.pt"], "must end in .safetensors"),
        (["--device", "tpu"], "invalid choice"),
    ],
)
def test_usage_errors(script, data, tmp_path, capsys, more, message):
    with pytest.raises(SystemExit) as caught:
        script.main(arguments(data, tmp_path / "a.safetensors", *more))
    assert caught.value.code == 2
    assert message in capsys.readouterr().err

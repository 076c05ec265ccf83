"""The Conformer of sequences: its parts against their definitions, and its programs."""

import math

import numpy as np
import pytest
import torch

import hvit_edge
from hvit_edge.cli import main
from hvit_edge.errors import InputError
from hvit_edge.models import find_sequence_model, sequence_models
from hvit_edge.models.conformer1d import (
    Conformer1d,
    Conformer1dConfig,
    RelativeAttention,
    distances,
    shift,
)
from hvit_edge.models.sequences import register_sequence_model
from hvit_edge.weights.random_weights import random_state_dict

RTOL = 1e-5  # float32, sums in another order


def randomized(model):
    model.load_state_dict(random_state_dict(model), strict=False)
    return model.eval()


def test_the_encoder_is_as_large_as_the_papers():
    """The paper states 10.3 M with its decoder, an LSTM of 320 cells, joint and output layers."""
    info = find_sequence_model("conformer1d_s")
    assert info in sequence_models()
    assert 8.5e6 < info.params < 10.3e6
    model = hvit_edge.create_model("conformer1d_s", weights="random")
    assert sum(parameter.numel() for parameter in model.parameters()) == info.params
    assert (len(model.blocks), model.head.in_features) == (16, 144)
    assert model.blocks[0].convolution.depthwise.kernel_size == (1, 31)


def test_sinusoids_of_the_distance():
    found = distances(5, 6)
    assert found.shape == (9, 6)
    for row, distance in enumerate(range(4, -5, -1)):
        for pair in range(3):
            angle = distance / 10000 ** (2 * pair / 6)
            assert found[row, 2 * pair] == pytest.approx(math.sin(angle), abs=1e-6)
            assert found[row, 2 * pair + 1] == pytest.approx(math.cos(angle), abs=1e-6)


@pytest.mark.parametrize("frames", [1, 2, 7])
def test_shift_picks_the_distance_of_each_pair(frames):
    scores = torch.rand(2, 3, frames, 2 * frames - 1)
    found = shift(scores)
    for i in range(frames):
        for j in range(frames):  # distance i - j is at frames - 1 - (i - j)
            assert torch.equal(found[..., i, j], scores[..., i, frames - 1 - i + j])


def test_attention_is_its_definition():
    torch.manual_seed(0)
    frames, dim, heads = 6, 8, 2
    layer = RelativeAttention(dim, heads).double().eval()
    for parameter in layer.parameters():
        torch.nn.init.normal_(parameter)
    x, table = torch.randn(2, frames, dim).double(), distances(frames, dim).double()
    with torch.no_grad():
        found = layer(x, table)
        q, k, v = layer.qkv(layer.norm(x)).reshape(2, frames, 3, heads, dim // heads).unbind(2)
        p = layer.position(table).reshape(-1, heads, dim // heads)
        mixed = torch.zeros(2, frames, heads, dim // heads).double()
        for n in range(2):
            for h in range(heads):
                u, w = layer.content_bias[h], layer.position_bias[h]
                for i in range(frames):
                    scores = torch.stack(
                        [
                            (q[n, i, h] + u) @ k[n, j, h]
                            + (q[n, i, h] + w) @ p[frames - 1 - (i - j), h]
                            for j in range(frames)
                        ]
                    )
                    mixed[n, i, h] = (scores / math.sqrt(dim // heads)).softmax(0) @ v[n, :, h]
        expected = layer.project(mixed.reshape(2, frames, dim))
    assert (found - expected).abs().max() <= 1e-12 * expected.abs().max()


def test_batches_and_gradients():
    model = Conformer1d(Conformer1dConfig(dim=16, depth=1, heads=2), 3, 20)
    with torch.enable_grad():
        model(torch.randn(2, 20, 80)).square().sum().backward()
    assert all(parameter.grad is not None for parameter in model.parameters())
    model = randomized(model).double()
    x = torch.randn(3, 20, 80).double()
    with torch.no_grad():
        both, alone = model(x), torch.cat([model(one[None]) for one in x])
    assert both.shape == (3, 3)
    assert (both - alone).abs().max() <= 1e-10 * both.abs().max()


def test_options_and_refusals(tmp_path):
    model = hvit_edge.create_model("conformer1d_s", weights="random", num_classes=7, input_size=40)
    assert model(torch.zeros(1, 40, 80)).shape == (1, 7)
    with pytest.raises(InputError, match=r"expected features \[N, 40, 80\], got \[1, 44, 80\]"):
        model(torch.zeros(1, 44, 80))
    torch.save(model.state_dict(), tmp_path / "own.pt")
    again = hvit_edge.create_model(
        "conformer1d_s", weights=tmp_path / "own.pt", input_size=(40, 80)
    )
    x = torch.randn(1, 40, 80)
    assert torch.equal(again(x), model(x))  # seven classes, as the checkpoint has
    for options, message in (
        ({"weights": None}, "there is no published checkpoint; pass your own with"),
        ({"weights": "missing.pt"}, "got 'missing.pt', which is not a file"),
        ({"input_size": 42}, r"expected \(frames, 80\) with frames a multiple of 4, got 42"),
        ({"input_size": (40, 64)}, r"expected \(frames, 80\)"),
        ({"input_size": "x"}, r"expected \(frames, 80\)"),
        ({"num_classes": 0}, "num_classes: expected at least 1, got 0"),
        ({"labels": ["a"]}, "the input is features, not photos"),
    ):
        with pytest.raises(InputError, match=message):
            hvit_edge.create_model("conformer1d_s", **{"weights": "random", **options})


def test_names_are_taken_once_and_listed(capsys):
    with pytest.raises(ValueError, match="expected a new name, got 'conformer1d_s' twice"):
        register_sequence_model("conformer1d_s")(lambda classes, frames: None)
    with pytest.raises(InputError, match="known: .*conformer1d_s"):
        hvit_edge.create_model("zzz")
    assert main(["list"]) == 0
    (row,) = [x for x in capsys.readouterr().out.splitlines() if "conformer1d_s" in x]
    assert row.split()[1:5] == ["tensor", "8.72", "M", "200x80"]


def test_one_delegate_of_xnnpack_and_every_answer(tmp_path):
    model = randomized(Conformer1d(Conformer1dConfig(dim=32, depth=1, heads=4), 5, 20))
    spec = hvit_edge.InputSpec("features", (1, 20, 80))
    artifact = hvit_edge.compile(model, inputs=[spec], output=tmp_path / "a.pte")
    report = artifact.report.to_dict()
    assert (report["delegates"], report["ops_outside"]) == (1, [])
    check(artifact.path, model, (1, 20, 80))


@pytest.mark.slow
def test_the_registered_model_from_the_command_line(tmp_path, capsys):
    path = tmp_path / "c.pte"
    words = ["compile", "conformer1d_s", "--weights", "random", "--target", "native"]
    assert main([*words, "--input-size", "40x80", "-o", str(path)]) == 0
    out = capsys.readouterr().out
    assert "inputs             features: float32 [1, 40, 80]" in out
    assert "drawn: features float32 [1, 40, 80] normal" in out
    assert f"run {path} --self-test" in out
    model = hvit_edge.create_model("conformer1d_s", weights="random", input_size=40)
    check(path, model, (1, 40, 80))
    assert main(["validate", str(path)]) == 0
    out = capsys.readouterr().out
    assert "5 samples" in out and "photo" not in out and "top-1" not in out


def check(path, model, shape):
    x = np.random.default_rng(3).standard_normal(shape).astype(np.float32)
    with torch.no_grad():
        expected = model(torch.from_numpy(x)).numpy()
    found = hvit_edge.Session(path)(x)[0]
    np.testing.assert_allclose(found, expected, atol=RTOL * np.abs(expected).max())

"""Modules of any inputs and outputs that are refused before anything is written."""

import numpy as np
import pytest
import torch
from torch import nn

import hvit_edge
from hvit_edge.errors import InputError, LoweringError, ParityError


class Pair(nn.Module):
    def forward(self, x, y):
        return x + y


class Draws(nn.Module):
    def forward(self, x):
        return nn.functional.dropout(x, training=True)


class Remembers(nn.Module):
    def forward(self, x, seen=[]):  # noqa: B006
        seen.append(1)
        return x + len(seen)


class Counts(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("count", torch.zeros(1))

    def forward(self, x):
        self.count += 1
        return x + self.count


class Breaks(nn.Module):
    def forward(self, x):
        return x.reshape(7, 9)


class OfBatch(nn.Module):
    def forward(self, batch):
        return batch.x * 2


class Ends(nn.Module):
    def forward(self, x):
        raise SystemExit(3)


class Logarithm(nn.Module):
    def forward(self, x):
        return {"fine": x, "log": x.log()}


X = np.linspace(-1, 1, 6, dtype=np.float32).reshape(2, 3)


@pytest.mark.parametrize(
    ("module", "inputs", "options", "message"),
    [
        (Draws, X, {}, r"answers one sample the same twice.*dropout"),
        (
            Remembers,
            (X,),
            {},
            "default arguments that a call may change: seen of forward; take None",
        ),
        (Counts, X, {}, "leaves its weights and buffers alone, got changes of count"),
        (Breaks, X, {}, r"answers float32 \[2, 3\], got RuntimeError.*check its forward"),
        (Logarithm, X, {}, "expected finite outputs on the sample, got NaN or infinity in log"),
        (
            OfBatch,
            X,
            {},
            "each argument of forward is a tensor: wrap the module in one",
        ),
        (
            Pair,
            X,
            {"precision": "int8"},
            "expected samples with int8, got none; pass calib_data=",
        ),
        (Ends, X, {}, "a module that answers .* got SystemExit: 3"),
        (Pair, X, {}, r"TypeError: .*missing 1 required positional argument"),
        (Pair, {"x": X}, {}, r"expected the arguments of forward \(x, y\), got no y"),
        (Pair, (X,) * 3, {}, r"expected the arguments of forward \(x, y\), got 3 arrays"),
        (Draws, (), {}, "expected at least one array, got none"),
        (Draws, X, {"labels": ["a"]}, "expected inputs, or preprocess and labels, got both"),
        (
            Draws,
            X,
            {"precision": "auto", "calib_data": "d", "eval_data": "e"},
            "expected a fixed one with inputs, got auto",
        ),
        (Draws, X, {"target": "coreml-pte"}, "expected one of xnnpack, native, coreml with inputs"),
        (Draws, X, {"num_classes": 3}, "only with a name or an address, got them with a module"),
    ],
)
def test_refuses_before_anything_is_written(module, inputs, options, message, tmp_path):
    with pytest.raises(InputError, match=message) as caught:
        hvit_edge.compile(module().eval(), inputs=inputs, output=tmp_path / "a.pte", **options)
    assert str(caught.value).startswith("[compile] ")
    assert not list(tmp_path.iterdir())


def test_too_few_calibration_samples(tmp_path):
    np.savez(tmp_path / "few.npz", input=np.zeros((31, 2, 3), np.float32))
    options = {"precision": "int8", "calib_data": tmp_path / "few.npz"}
    with pytest.raises(InputError, match="at least 32 samples in .*few.npz, got 31"):
        hvit_edge.compile(nn.Linear(3, 2).eval(), inputs=X, output=tmp_path / "a.pte", **options)


class Sorted(nn.Module):
    def forward(self, x):
        return x.reshape(1, 1, 2, 2, 2, 2, 4).sort(-1)[0]


def test_a_program_that_cannot_be_loaded_is_refused(tmp_path):
    volume = np.ones((1, 1, 4, 4, 4), np.float32)
    with pytest.raises(LoweringError, match="expected a program that ExecuTorch loads, got Runt"):
        hvit_edge.compile(Sorted().eval(), inputs=volume, output=tmp_path / "a.pte")


def test_kernels_that_refuse_to_run_are_named(tmp_path):
    volume = np.ones((1, 1, 4, 4, 4), np.float32)
    with pytest.raises(LoweringError) as caught:
        hvit_edge.compile(
            nn.ConvTranspose3d(1, 2, 3).eval(), inputs=volume, output=tmp_path / "a.pte"
        )
    message = str(caught.value)
    assert "expected operators outside the delegate whose kernels support these" in message
    assert "aten.convolution.default in the root" in message


class Padded(nn.Module):
    def __init__(self, nested):
        super().__init__()
        layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 1, enable_nested_tensor=nested)

    def forward(self, x, padding):
        return self.encoder(x, src_key_padding_mask=padding)


def test_an_encoder_that_leaves_padding_out_in_eager_mode(tmp_path):
    inputs = np.ones((2, 3, 8), np.float32), np.array([[0, 0, 0], [0, 0, 1]], bool)
    with pytest.raises(
        ParityError, match=r"encoder \(TransformerEncoder\).*enable_nested_tensor=F"
    ):
        hvit_edge.compile(Padded(True).eval(), inputs=inputs, output=tmp_path / "a.pte")
    hvit_edge.compile(Padded(False).eval(), inputs=inputs, output=tmp_path / "a.pte")

"""Defines PyTorch operators as users write them, each with an input that it accepts."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn
from torch.nn import functional as F

SHAPES = {"map": (1, 8, 8, 8), "row": (1, 8, 64), "tokens": (1, 64, 8)}

Function = Callable[[torch.Tensor], torch.Tensor]


class Shared(nn.Module):
    """Multi-query attention with four heads of queries, and one of keys and values."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Attend from tokens [1, 64, 8] to themselves."""
        queries = x.reshape(1, 64, 4, 2).transpose(1, 2)
        keys = x[..., :2].unsqueeze(1).expand(-1, 4, -1, -1)
        return F.scaled_dot_product_attention(queries, keys, keys)


class Recurrent(nn.Module):
    """Runs a recurrent layer over the first tokens."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return what the layer makes of three tokens [1, 3, 8]."""
        return self.layer(x[:, :3])[0]


class Volume(nn.Module):
    """Runs a 3-D convolution over the channels and pixels of a map."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Conv3d(1, 1, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the convolution of a map [1, 8, 8, 8] with one more dimension."""
        return self.layer(x.unsqueeze(1))


class Parameter(nn.Module):
    """Applies a function to the input and a parameter."""

    def __init__(self, shape: tuple[int, ...], function: Callable[..., torch.Tensor]) -> None:
        super().__init__()
        self.weight, self.function = nn.Parameter(torch.rand(shape)), function

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Apply the function to the input and the parameter."""
        return self.function(x, self.weight)


class Pairs(nn.Module):
    """Applies a bilinear layer to the two halves of tokens."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Bilinear(4, 4, 8)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map tokens [1, 64, 8] to tokens of the same size."""
        return self.layer(x[..., :4], x[..., 4:])


_PLACES = torch.tensor([5, 3, 60, 9])
_GRID = torch.rand(1, 5, 5, 2)
_ROTATIONS = torch.polar(torch.ones(64, 4), torch.rand(64, 4))


def _unary(*functions: Function) -> dict[str, tuple[str, Function]]:
    return {function.__name__: ("map", function) for function in functions}


def _sdpa(mask: torch.Tensor | None, **options: bool) -> Function:
    def attend(x: torch.Tensor) -> torch.Tensor:
        heads = x.reshape(1, 64, 2, 4).transpose(1, 2)
        return F.scaled_dot_product_attention(heads, heads, heads, mask, **options)

    return attend


GROUPS: dict[str, dict[str, tuple[str, Function]]] = {
    "Layers": {
        "linear": ("tokens", nn.Linear(8, 8)),
        "conv2d": ("map", nn.Conv2d(8, 8, 3, stride=2, padding=1)),
        "conv2d, depthwise": ("map", nn.Conv2d(8, 8, 3, padding=1, groups=8)),
        "conv2d, groups": ("map", nn.Conv2d(8, 8, 3, padding=1, groups=2)),
        "conv2d, dilation": ("map", nn.Conv2d(8, 8, 3, padding=2, dilation=2)),
        "conv2d, padding_mode reflect": (
            "map",
            nn.Conv2d(8, 8, 3, padding=1, padding_mode="reflect"),
        ),
        "conv2d, padding_mode replicate": (
            "map",
            nn.Conv2d(8, 8, 3, padding=1, padding_mode="replicate"),
        ),
        "conv2d, padding_mode circular": (
            "map",
            nn.Conv2d(8, 8, 3, padding=1, padding_mode="circular"),
        ),
        "conv1d": ("row", nn.Conv1d(8, 8, 3, padding=1)),
        "conv3d": ("map", Volume()),
        "conv_transpose2d": ("map", nn.ConvTranspose2d(8, 8, 2, stride=2)),
        "GRU": ("tokens", Recurrent(nn.GRU(8, 8, batch_first=True))),
        "LSTM": ("tokens", Recurrent(nn.LSTM(8, 8, batch_first=True))),
    },
    "Norms": {
        "batch_norm": ("map", nn.BatchNorm2d(8)),
        "layer_norm": ("tokens", nn.LayerNorm(8)),
        "layer_norm over channels of a map": (
            "map",
            lambda x: F.layer_norm(x.permute(0, 2, 3, 1), (8,)).permute(0, 3, 1, 2),
        ),
        "group_norm": ("map", nn.GroupNorm(2, 8)),
        "instance_norm": ("map", nn.InstanceNorm2d(8)),
        "rms_norm": ("tokens", lambda x: F.rms_norm(x, (8,))),
        "normalize": ("tokens", lambda x: F.normalize(x, dim=-1)),
    },
    "Activations": {
        **_unary(F.relu, F.relu6, F.hardtanh, F.silu, F.hardswish, F.hardsigmoid, F.leaky_relu),
        **_unary(F.elu, F.selu, F.celu, F.softplus, F.mish, F.logsigmoid, torch.sigmoid),
        **_unary(torch.tanh),
        "gelu": ("map", F.gelu),
        "gelu, tanh": ("map", lambda x: F.gelu(x, approximate="tanh")),
        "prelu": ("map", nn.PReLU(8)),
        "prelu of tokens": ("tokens", nn.PReLU()),
        "glu": ("tokens", F.glu),
        "softmax": ("tokens", lambda x: x.softmax(-1)),
        "softmax over channels of a map": ("map", lambda x: x.softmax(1)),
        "log_softmax": ("tokens", lambda x: x.log_softmax(-1)),
    },
    "Element by element": {
        "add": ("map", lambda x: x + x.mean((2, 3), keepdim=True)),
        "sub": ("map", lambda x: x - x.mean((2, 3), keepdim=True)),
        "mul": ("map", lambda x: x * x.mean((2, 3), keepdim=True)),
        "div": ("map", lambda x: x / (1 + x.mean((2, 3), keepdim=True).abs())),
        "add, number": ("map", lambda x: x + 1.5),
        "mul, parameter": ("map", Parameter((8, 1, 1), torch.mul)),
        "maximum": ("map", lambda x: torch.maximum(x, x.mean((2, 3), keepdim=True))),
        "minimum": ("map", lambda x: torch.minimum(x, x.mean((2, 3), keepdim=True))),
        "clamp": ("map", lambda x: x.clamp(-0.5, 0.5)),
        "pow": ("map", lambda x: x.pow(2)),
        "exp": ("map", torch.exp),
        "log": ("map", lambda x: torch.log(x.abs() + 1)),
        "sqrt": ("map", lambda x: torch.sqrt(x.abs())),
        "rsqrt": ("map", lambda x: torch.rsqrt(x.abs() + 1)),
        "reciprocal": ("map", lambda x: torch.reciprocal(x.abs() + 1)),
        **_unary(torch.abs, torch.neg, torch.sin, torch.cos, torch.floor, torch.ceil),
        **_unary(torch.special.erfc),
        "remainder": ("map", lambda x: torch.remainder(x, 0.3)),
        "floor_divide": ("map", lambda x: x // 0.3),
        "atan2": ("map", lambda x: torch.atan2(x, x.flip(1))),
        "where": ("map", lambda x: torch.where(x > 0, x, 0.5 * x)),
        "masked_fill, constant mask": (
            "tokens",
            lambda x: x.masked_fill(torch.ones(64, 8).tril().bool(), -1.0),
        ),
    },
    "Products": {
        "matmul": ("tokens", lambda x: x @ x.transpose(1, 2)),
        "matmul, broadcast": ("map", lambda x: x @ x[:, :1]),
        "matmul, parameter": ("tokens", Parameter((8, 4), torch.matmul)),
        "einsum": ("tokens", lambda x: torch.einsum("bnc,bmc->bnm", x, x)),
        "bilinear": ("tokens", Pairs()),
        "fft2, real part": ("tokens", lambda x: torch.fft.fft2(x).real),
        "rfft2 and irfft2": ("map", lambda x: torch.fft.irfft2(torch.fft.rfft2(x) * (1 + 2j))),
        "product of complex tensors": ("tokens", lambda x: _turned(x)),
        "scaled_dot_product_attention": ("tokens", _sdpa(None)),
        "scaled_dot_product_attention, mask": ("tokens", _sdpa(torch.rand(64, 64))),
        "scaled_dot_product_attention, causal": ("tokens", _sdpa(None, is_causal=True)),
        "scaled_dot_product_attention, shared heads": ("tokens", Shared()),
    },
    "Pools and reductions": {
        "max_pool2d": ("map", lambda x: F.max_pool2d(x, 3, 2, 1)),
        "max_pool2d, ceil_mode": ("map", lambda x: F.max_pool2d(x, 3, 2, ceil_mode=True)),
        "avg_pool2d": ("map", lambda x: F.avg_pool2d(x, 2)),
        "avg_pool2d, padding counted": ("map", lambda x: F.avg_pool2d(x, 3, 1, 1)),
        "avg_pool2d, padding not counted": (
            "map",
            lambda x: F.avg_pool2d(x, 3, 1, 1, count_include_pad=False),
        ),
        "adaptive_avg_pool2d": ("map", lambda x: F.adaptive_avg_pool2d(x, 2)),
        "adaptive_avg_pool2d, uneven": ("map", lambda x: F.adaptive_avg_pool2d(x, 3)),
        "adaptive_max_pool2d": ("map", lambda x: F.adaptive_max_pool2d(x, 2)),
        "mean": ("map", lambda x: x.mean((2, 3))),
        "sum": ("tokens", lambda x: x.sum(1)),
        "amax": ("tokens", lambda x: x.amax(1)),
        "amin": ("tokens", lambda x: x.amin(1)),
        "var": ("tokens", lambda x: x.var(-1)),
        "linalg.vector_norm": ("tokens", lambda x: torch.linalg.vector_norm(x, dim=-1)),
        "linalg.vector_norm, order 3": ("tokens", lambda x: torch.linalg.vector_norm(x, 3, dim=-1)),
        "prod": ("tokens", lambda x: x.prod(-1)),
        "cumsum": ("tokens", lambda x: x.cumsum(1)),
    },
    "Shapes": {
        "reshape": ("map", lambda x: x.reshape(1, 4, 2, 64)),
        "permute": ("map", lambda x: x.permute(0, 2, 3, 1)),
        "slice": ("map", lambda x: x[:, 1:5, ::2]),
        "cat": ("map", lambda x: torch.cat([x, x.neg()], 1)),
        "stack": ("map", lambda x: torch.stack([x, x.neg()], 1)),
        "chunk": ("map", lambda x: x.chunk(2, 1)[1]),
        "unbind": ("tokens", lambda x: x.reshape(1, 64, 2, 4).unbind(2)[0]),
        "roll": ("map", lambda x: x.roll((1, 2), (2, 3))),
        "flip": ("map", lambda x: x.flip(3)),
        "pad": ("map", lambda x: F.pad(x, (1, 2, 0, 1), value=0.5)),
        "expand": ("tokens", lambda x: x.unsqueeze(1).expand(-1, 3, -1, -1)),
        "repeat": ("tokens", lambda x: x.repeat(1, 2, 1)),
        "repeat_interleave": ("tokens", lambda x: x.repeat_interleave(2, 1)),
        "index, constant": ("tokens", lambda x: x[:, [5, 3, 7]]),
        "pixel_shuffle": ("map", lambda x: F.pixel_shuffle(x, 2)),
        "pixel_unshuffle": ("map", lambda x: F.pixel_unshuffle(x, 2)),
        "unfold": ("map", lambda x: F.unfold(x, 3, padding=1)),
        "interpolate, nearest": ("map", lambda x: F.interpolate(x, scale_factor=2)),
        "interpolate, nearest to any size": ("map", lambda x: F.interpolate(x, size=(13, 11))),
        "interpolate, bilinear": (
            "map",
            lambda x: F.interpolate(x, scale_factor=2, mode="bilinear"),
        ),
        "interpolate, bicubic": ("map", lambda x: F.interpolate(x, size=(12, 12), mode="bicubic")),
        "grid_sample, constant grid": ("map", lambda x: _sampled(x, _GRID)),
        "grid_sample, computed grid": ("map", lambda x: _sampled(x, x[:, :2].permute(0, 2, 3, 1))),
        "as_strided": ("row", lambda x: x.as_strided((1, 8, 60, 4), (512, 64, 1, 1))),
        "slice assignment": ("map", lambda x: _assigned(x)),
        "index_put, constant": ("tokens", lambda x: _put(x, x[:, :4] * 2)),
        "index_add, constant": ("tokens", lambda x: x.index_add(1, _PLACES, x[:, :4] * 2)),
        "scatter, constant": ("tokens", lambda x: x.scatter(1, _PLACES.reshape(1, 4, 1), 0.5)),
    },
    "Choices": {
        "argmax": ("tokens", lambda x: x.argmax(1)),
        "topk": ("tokens", lambda x: x.topk(4, 1).values),
        "sort": ("tokens", lambda x: x.sort(1).values),
        "median": ("tokens", lambda x: x.median(1).values),
        "gather": ("tokens", lambda x: x.gather(1, x.argsort(1))),
    },
}


def _assigned(x: torch.Tensor) -> torch.Tensor:
    x = x.clone()
    x[:, :4] = x[:, 4:] * 2
    return x


def _put(x: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
    x = x.clone()
    x[:, _PLACES] = values
    return x


def _sampled(x: torch.Tensor, grid: torch.Tensor) -> torch.Tensor:
    return F.grid_sample(x, grid, align_corners=False)


def _turned(x: torch.Tensor) -> torch.Tensor:
    """Rotate pairs of numbers, as a rotary position embedding does."""
    pairs = torch.view_as_complex(x.reshape(1, 64, 4, 2))
    return torch.view_as_real(pairs * _ROTATIONS).flatten(2)

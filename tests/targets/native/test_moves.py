"""Operators that move elements and change none: equal to the bit, and mostly free."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.functional import interpolate, pad

MASK = torch.arange(8 * 4 * 6).reshape(1, 8, 4, 6) % 3 == 1


def _written(x, where, part):
    """A copy of `x` with `part` somewhere in it, as modules write in place."""
    x = x.clone()
    x[where] = part
    return x


MOVES = {
    "flip": lambda x: x.flip(2),
    "flip of several": lambda x: torch.flip(x, (1, 3)),
    "stack": lambda x: torch.stack([x[:, :4], x[:, 4:]], 2),
    "stack last": lambda x: torch.stack([x, x.flip(1)], -1),
    "chunk": lambda x: torch.cat(x.chunk(4, 1)[::-1], 1),
    "tensor_split": lambda x: torch.tensor_split(x, 3, 3)[1],
    "unbind": lambda x: torch.stack(x.unbind(2)[::2], 1),
    "pixel shuffle": lambda x: nn.functional.pixel_shuffle(x, 2),
    "pixel unshuffle": lambda x: nn.functional.pixel_unshuffle(x, 2),
    "channel shuffle": lambda x: nn.functional.channel_shuffle(x, 4),
    "repeat": lambda x: x.repeat(1, 2, 1, 3),
    "repeat_interleave": lambda x: x.repeat_interleave(3, 1),
    "tile": lambda x: x.tile(2, 1),
    "index_select": lambda x: x.index_select(1, torch.tensor([5, 0, 5])),
    "index": lambda x: x[:, :, torch.tensor([2, 0])],
    "gather": lambda x: x[:, :4].gather(
        1, torch.tensor([3, 1]).reshape(1, 2, 1, 1).expand(1, 2, 4, 6)
    ),
    "roll": lambda x: torch.roll(x, (1, -2), (2, 3)),
    "roll of all": lambda x: torch.roll(x, 5),
    "unfold": lambda x: x.unfold(3, 3, 2),
    "windows": lambda x: nn.functional.unfold(x, (2, 3), stride=(2, 1)),
    "padded windows": lambda x: nn.functional.unfold(x, 3, 1, 1, 2),
    "diagonal": lambda x: x.diagonal(0, 2, 3),
    "rot90": lambda x: torch.rot90(x, 1, (2, 3)),
    "expand_as": lambda x: x[:, :1].expand_as(x),
    "meshes": lambda x: x[..., None, :].expand(1, 8, 4, 5, 6).flatten(2, 3),
    "reflect": lambda x: pad(x, (1, 2, 2, 1), mode="reflect"),
    "replicate": lambda x: (
        pad(x, (3, 1), mode="replicate") if x.dim() < 4 else pad(x, (3, 1, 0, 2), mode="replicate")
    ),
    "circular": lambda x: pad(x, (1, 2, 2, 1), mode="circular"),
    "infinity": lambda x: pad(x, (0, 1, 2, 0), value=-torch.inf),
    "cut off": lambda x: pad(x, (-1, -2, 0, -1)),
    "cut off and padded": lambda x: pad(x, (-1, 2, 1, 0, 0, -3), value=0.5),
    "zeros": lambda x: torch.cat([x, torch.zeros_like(x)], 1),
    "ones": lambda x: torch.cat([x.new_ones(1, 2, 4, 6), x, torch.full_like(x, 0.5)], 1),
    "written into a part": lambda x: _written(x, (slice(None), slice(2, 5)), x[:, 5:]),
    "written into pixels": lambda x: _written(
        x, (slice(None),) * 2 + (1, slice(None, None, 2)), 7.0
    ),
    "one channel": lambda x: _written(x, (slice(None), 3), x[:, 0].flip(1)),
    "a choice": lambda x: torch.where(MASK, x, x.flip(3)),
    "a choice of broadcast": lambda x: torch.where(MASK[:, :1], x[:, :, :1], x[:, :1]),
    "a choice of numbers": lambda x: torch.where(MASK, x, -torch.inf).clamp(min=-9),
    "nearest": lambda x: interpolate(x, scale_factor=2.5),
    "nearest to a size": lambda x: interpolate(x, size=(7, 5)),
    "nearest exact": lambda x: interpolate(x, size=(7, 5), mode="nearest-exact"),
}


@pytest.mark.slow
def test_moves(run_each):
    for name, ran in run_each({name: (move, (1, 8, 4, 6)) for name, move in MOVES.items()}).items():
        assert np.array_equal(ran.output, ran.expected.astype(np.float32)), name
        assert name == "a choice of numbers" or set(ran.kinds) <= {"Copy", "Gather", "Transpose"}, (
            name
        )


def test_layers_write_what_is_stacked(run_native, call):
    def forward(x, first, second):
        return torch.stack([first(x), second(x)], 1)

    modules = {"first": nn.Linear(9, 12), "second": nn.Linear(9, 12)}
    ran = run_native(call(forward, **modules), torch.randn(1, 7, 9))
    assert ran.error < 1e-6


RESIZES = {
    "bicubic": {"size": (9, 5), "mode": "bicubic"},
    "bicubic by a factor": {"scale_factor": 1.7, "mode": "bicubic"},
    "bicubic, aligned": {"size": (9, 15), "mode": "bicubic", "align_corners": True},
    "bilinear by a factor": {"scale_factor": 1.7, "mode": "bilinear"},
    "bilinear, antialiased": {"size": (3, 4), "mode": "bilinear", "antialias": True},
    "bicubic, antialiased": {"size": (3, 9), "mode": "bicubic", "antialias": True},
}


def test_resizes(run_each):
    cases = {
        name: (nn.Sequential(nn.Conv2d(9, 17, 1), Resize(options)), (1, 9, 6, 7))
        for name, options in RESIZES.items()
    }
    cases["of sequences"] = (Resize({"size": 13, "mode": "linear"}), (2, 5, 7))
    for name, ran in run_each(cases).items():
        assert ran.error < 3e-6, name


class Resize(nn.Module):
    """`interpolate` as a module."""

    def __init__(self, options):
        super().__init__()
        self.options = options

    def forward(self, x):
        return interpolate(x, **self.options)

import random

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from hvit_edge.models.mobilevit import fold, unfold
from hvit_edge.models.swin import Windows

IMAGE = torch.randn(1, 4, 6, 10, generator=torch.Generator().manual_seed(0))
SQUARE = torch.randn(1, 6, 6, 6, generator=torch.Generator().manual_seed(1))

# Tokens [1, 60, 4] in three memory layouts.
TOKENS = {
    "map": lambda x: x.flatten(2).transpose(1, 2),  # [1, C, H, W]
    "rows": lambda x: F.layer_norm(x.reshape(1, 60, 4), (4,)),  # [1, C, 1, N]
    "plain": lambda x: F.softmax(x.reshape(1, 60, 4), 0) + x.reshape(1, 60, 4),  # [1, N, C]
}
OF_TOKENS = {
    "slice": lambda t: t[:, 7:50],
    "slice from the end": lambda t: t[:, -20:-3],
    "slice beyond the end": lambda t: t[:, 5:1000],
    "slice with a step": lambda t: t[:, 3:57:4],
    "slice channels": lambda t: t[..., -3:],
    "slice channels with a step": lambda t: t[..., 1::2],
    "one token": lambda t: t[:, 5],
    "one channel": lambda t: t[..., 2:3],
    "last token": lambda t: t[:, -1:],
    "even and odd": lambda t: t[:, ::2] - t[:, 1::2],
    "chunks": lambda t: torch.mul(*t.chunk(2, dim=-1)),
    "split": lambda t: t.split([1, 3], dim=-1)[1],
    "cat of tokens": lambda t: torch.cat((t[:, :3], t, t[:, 9:10]), 1),
    "cat of channels": lambda t: torch.cat((t, 2 * t[..., :1]), -1),
    "cat of batches": lambda t: torch.cat((t, 2 * t)),
    "mean of tokens": lambda t: t.mean(1),
    "mean of tokens, kept": lambda t: t.mean(1, keepdim=True),
    "mean of channels": lambda t: t.mean(-1),
    "mean of both": lambda t: t.mean((1, 2), keepdim=True),
    "mean of the batch": lambda t: t.mean(0),
    "roll": lambda t: torch.roll(t, (-7, 1), (1, 2)),
    "heads": lambda t: t.reshape(1, 60, 2, 2).permute(0, 2, 1, 3),
    "one head": lambda t: t.reshape(1, 60, 2, 2)[:, :, 1],
    "rows of a map": lambda t: t.transpose(1, 2).reshape(1, 4, 6, 10)[:, :, 2:4],
    "across": lambda t: t.reshape(1, 16, 15),
    "ones": lambda t: t[:, None, :, None].squeeze(3).unsqueeze(0),
    "padded": lambda t: F.pad(t, (1, 0, 0, 3)),
    "padded with a value": lambda t: F.pad(t, (0, 0, 2, 1), value=-1.5),
    "selected": lambda t: t.select(1, 4).unbind(1)[3],
}


@pytest.mark.parametrize("source", TOKENS)
@pytest.mark.parametrize("name", OF_TOKENS)
def test_tokens(name, source, call, agrees):
    agrees(call(lambda x: OF_TOKENS[name](TOKENS[source](x)) + 0.5), IMAGE)


# Maps [1, 4, 6, 10] in PyTorch's layout and with channels last.
MAPS = {
    "plain": lambda x: x,
    "channels last": lambda x: (x.permute(0, 3, 1, 2).reshape(1, 10, 4, 6)).permute(0, 2, 3, 1),
}
OF_MAPS = {
    **{f"slice {dim}": lambda x, dim=dim: x.narrow(dim, 1, 3) for dim in (1, 2, 3)},
    "slice two": lambda x: x[:, :, 1:-1, -7:-2],
    "slice all": lambda x: x[:, ::2, 1::3, :-1:2],
    **{
        f"cat {dim}": lambda x, dim=dim: torch.cat((x, x.narrow(dim, 0, 1), 2 * x), dim)
        for dim in (0, 1, 2, 3)
    },
    "mean of rows": lambda x: x.mean(2),
    "mean of places": lambda x: x.mean((2, 3)),
    "mean of places, kept": lambda x: x.mean((-1, -2), keepdim=True),
    "mean of ends": lambda x: x.mean((1, 3)),
    "mean of all": lambda x: x.mean((0, 1, 2, 3), keepdim=True),
    "pooled to one pixel": lambda x: F.adaptive_avg_pool2d(x, 1),
    "mean of no named dimension": lambda x: x.mean(()),
    "roll": lambda x: torch.roll(x, (-2, 3), (2, 3)),
    "rotated": lambda x: x.transpose(2, 3)[:, :, :4],
    "pairs": lambda x: x.reshape(1, 4, 6, 5, 2).mean(4),
    "pairs of rows": lambda x: x.reshape(1, 4, 3, 2, 10).mean(3),
    "half of a dimension": lambda x: x.reshape(1, 2, 2, 6, 10)[:, 1],
    "shuffled channels": lambda x: x.reshape(1, 2, 2, 60).transpose(1, 2).reshape(1, 4, 6, 10),
}


@pytest.mark.parametrize("source", MAPS)
@pytest.mark.parametrize("name", OF_MAPS)
def test_maps(name, source, call, agrees):
    agrees(call(lambda x: OF_MAPS[name](MAPS[source](x)) + 0.5), IMAGE)


def test_reshape_across_factors(call, agrees):
    image = torch.randn(1, 6, 5, 7)
    count = agrees(call(lambda x: x.reshape(1, 10, 21).softmax(1)), image)
    assert count["transpose"] == 0
    agrees(call(lambda x: x.permute(0, 2, 3, 1).reshape(1, 10, 21).softmax(1)), image)


@pytest.mark.parametrize("dim", [0, 1, 2, 3])
@pytest.mark.parametrize("order", [(0, 1, 3, 2), (0, 2, 1, 3), (0, 3, 1, 2)], ids=str)
def test_cat_of_arrays_of_one_shape_in_two_orders(order, dim, call, agrees):
    """The shapes agree, what the axes mean does not."""
    agrees(call(lambda x: torch.cat((x, x.permute(order)), dim)), SQUARE)


def test_cat_of_tokens_and_their_transpose(call, agrees):
    def forward(x):
        tokens = F.layer_norm(x.reshape(1, 36, 6)[:, :6], (6,))
        return torch.cat((tokens, F.softmax(tokens.transpose(1, 2), 2)), 0)

    agrees(call(forward), SQUARE)


def test_class_token(call, agrees):
    """Conformer's: it stands first, and is left out where tokens become a map."""

    def forward(x, token, position):
        tokens = torch.cat((token, x.flatten(2).transpose(1, 2)), 1) + position
        maps = tokens[:, 1:].transpose(1, 2).reshape(1, 4, 6, 10)
        return F.max_pool2d(maps, 2) * tokens[:, 0, :, None, None]

    module = call(forward, torch.randn(1, 1, 4), torch.randn(1, 61, 4))
    count = agrees(module, IMAGE)
    assert count["transpose"] == 0
    assert count["reshape"] <= 4


WINDOWS = {
    "whole": Windows((4, 6), (4, 6), (0, 0)),
    "cut": Windows((8, 6), (4, 3), (0, 0)),
    "shifted": Windows((8, 6), (4, 3), (2, 1)),
    "shifted along one side": Windows((8, 3), (4, 3), (2, 0)),
}


@pytest.mark.parametrize("name", WINDOWS)
def test_windows(name, call, agrees):
    """Swin's part, something inside of windows, join and residual."""
    windows = WINDOWS[name]

    def forward(x):
        maps = x.permute(0, 2, 3, 1)
        parts = windows.part(F.layer_norm(maps, (5,)))
        return maps + windows.join(F.softmax(parts, 1) * parts)

    image = torch.randn(1, 5, *windows.size)
    count = agrees(call(forward), image)
    assert count["gather"] == count["scatter"] == 0


def test_part_and_join_alone_move_nothing(call, agrees):
    windows = WINDOWS["cut"]

    def forward(x):
        parts = windows.part(x.permute(0, 2, 3, 1))
        return windows.join(F.gelu(parts)).permute(0, 3, 1, 2)

    assert agrees(call(forward), torch.randn(1, 5, 8, 6)) == {"gelu": 1, "reshape": 1}


def test_unfold_and_fold(call, agrees):
    """MobileViT's pixels of equal places."""

    def forward(x, weight):
        rows = F.linear(unfold(x), weight)
        return fold(rows + rows.mean(1, keepdim=True), 6, 10)

    agrees(call(forward, torch.randn(3, 4)), IMAGE)
    count = agrees(call(lambda x: fold(F.gelu(unfold(x)), 6, 10)), IMAGE)
    assert count == {"gelu": 1, "reshape": 1}


class Program:
    """A random program of views and of what reads them; the same for the same seed."""

    def __init__(self, seed):
        self.seed = seed

    def __call__(self, x):
        self.random = random.Random(self.seed)
        tensors = [x]
        for _ in range(self.random.randint(2, 9)):
            x = self.random.choice(tensors[-2:])
            name = self.random.choice(["permute", "reshape", "reshape", "cat", "mean", "slice"])
            readers = ["added", "product", "softmax", "norm", "squared"]
            name = self.random.choice([name, name, self.random.choice(readers)])
            x = getattr(self, name)(x, tensors)
            tensors.append(x if x.numel() <= 2000 else x.reshape(-1)[:720])
        return tensors[-1]

    def dim(self, x):
        return self.random.randrange(x.dim())

    def permute(self, x, tensors):
        return x.permute(self.random.sample(range(x.dim()), x.dim()))

    def reshape(self, x, tensors):
        rest, shape = x.numel(), [1] * self.random.randint(1, 5)
        for prime in (2, 3, 5, 7, 11):
            while rest % prime == 0:
                rest //= prime
                shape[self.random.randrange(len(shape))] *= prime
        shape[-1] *= rest
        return x.reshape(shape)

    def cat(self, x, tensors):
        dim, order = self.dim(x), self.random.sample(range(x.dim()), x.dim())
        turned = x.permute(order)
        fits = all(turned.shape[d] == x.shape[d] for d in range(x.dim()) if d != dim)
        return torch.cat((x, turned if fits else 2 * x), dim)

    def mean(self, x, tensors):
        return x.mean(self.dim(x), keepdim=x.dim() == 1 or self.random.random() < 0.5)

    def slice(self, x, tensors):
        dim = self.dim(x)
        start = self.random.randrange(x.shape[dim])
        stop, step = self.random.randint(start + 1, x.shape[dim]), self.random.randint(1, 2)
        return x[(slice(None),) * dim + (slice(start, stop, step),)]

    def added(self, x, tensors):
        same = [y for y in tensors if y.numel() == x.numel()]
        return x + 0.5 * self.random.choice(same).reshape(x.shape)

    def product(self, x, tensors):
        one, other = (x.mean(self.dim(x), keepdim=True) for _ in range(2))
        return one * other + 0.1

    def softmax(self, x, tensors):
        return 2 * F.softmax(x, self.dim(x))

    def norm(self, x, tensors):
        return F.layer_norm(x, x.shape[-1:], eps=0.1)

    def squared(self, x, tensors):
        return x @ x.transpose(-1, -2) / x.shape[-1] if 1 < x.dim() < 5 else x * x


@pytest.mark.slow
@settings(max_examples=50, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10**6), shape=st.sampled_from([(1, 4, 6, 6), (1, 6, 4, 6)]))
def test_any_program(seed, shape, call, agrees):
    agrees(call(Program(seed)), torch.randn(shape, generator=torch.Generator().manual_seed(seed)))

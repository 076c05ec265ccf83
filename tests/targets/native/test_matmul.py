"""Products of matrices, einsum, and attention that no single operation takes, against float64."""

import pytest
import torch
from torch import nn
from torch.nn.functional import scaled_dot_product_attention

from hvit_edge.targets.native.values import Number

FLOAT = 3e-6
HALF = 4e-3


def halves(x, left, right):
    """The first values of `x` in two shapes."""
    size = torch.Size(left).numel()
    flat = x.reshape(-1)
    return flat[:size].reshape(left), flat[size : size + torch.Size(right).numel()].reshape(right)


PRODUCTS = {
    "matrices": ((7, 9), (9, 20), torch.matmul),
    "batches": ((2, 3, 7, 9), (2, 3, 9, 20), torch.matmul),
    "bmm": ((3, 7, 33), (3, 33, 5), torch.bmm),
    "keys": ((3, 7, 33), (3, 21, 33), lambda a, b: a @ b.mT),
    "both turned": ((3, 33, 7), (3, 21, 33), lambda a, b: a.mT @ b.mT),
    "left turned": ((3, 33, 7), (3, 33, 21), lambda a, b: a.mT @ b),
    "scaled": ((3, 7, 33), (3, 21, 33), lambda a, b: (a @ b.mT) * 0.25),
    "shared right": ((2, 3, 7, 9), (9, 20), torch.matmul),
    "shared left": ((7, 9), (3, 9, 5), torch.matmul),
    "shared heads": ((2, 4, 7, 9), (2, 1, 9, 6), torch.matmul),
    "vector": ((3, 7, 9), (9,), torch.matmul),
    "vector before": ((9,), (3, 9, 7), torch.matmul),
    "vectors": ((9,), (9,), lambda a, b: (a @ b).reshape(1)),
    "wide": ((2, 5, 3), (2, 3, 300), torch.matmul),
    "deep": ((2, 5, 700), (2, 700, 17), torch.matmul),
    "heads to tokens": (
        (1, 3, 7, 9),
        (1, 3, 9, 8),
        lambda a, b: (a @ b).transpose(1, 2).reshape(1, 7, 24),
    ),
    "of tokens": (
        (1, 7, 3, 8),
        (1, 6, 3, 8),
        lambda a, b: a.permute(0, 2, 1, 3) @ b.permute(0, 2, 3, 1),
    ),
    "baddbmm": ((3, 7, 9), (3, 9, 20), lambda a, b: torch.baddbmm(a[:, :, :1], a, b, alpha=0.5)),
    "einsum of heads": (
        (2, 7, 3, 8),
        (2, 6, 3, 8),
        lambda a, b: torch.einsum("bihd,bjhd->bhij", a, b),
    ),
    "einsum to tokens": (
        (2, 3, 7, 6),
        (2, 6, 3, 8),
        lambda a, b: torch.einsum("bhij,bjhd->bihd", a, b),
    ),
    "einsum, outer": ((2, 7), (2, 6), lambda a, b: torch.einsum("bi,bj->bji", a, b)),
}


@pytest.mark.parametrize("number", Number)
def test_products(number, run_each):
    def of_halves(left, right, function):
        return lambda x: function(*halves(x, left, right))

    cases = {
        name: (of_halves(*case), (torch.Size(case[0]).numel() + torch.Size(case[1]).numel(),))
        for name, case in PRODUCTS.items()
    }
    found = run_each(cases, number)
    for name, ran in found.items():
        assert ran.error < (FLOAT if number is Number.FLOAT32 else HALF), name
        assert ran.kinds["Matmul"] == 1, name
    assert set(found["scaled"].kinds) <= {"Matmul", "Copy"}
    assert "Gather" not in found["heads to tokens"].kinds


class Times(nn.Module):
    """A product with a constant, on either side."""

    def __init__(self, shape, left):
        super().__init__()
        self.constant, self.left = nn.Parameter(torch.randn(shape)), left

    def forward(self, x):
        return torch.relu(self.constant @ x if self.left else x @ self.constant)


def test_products_with_constants(run_each):
    cases = {
        "right": (Times((9, 20), False), (2, 7, 9)),
        "left": (Times((5, 7), True), (2, 7, 9)),
    }
    found = run_each(cases)
    for name, ran in found.items():
        assert ran.error < FLOAT, name
    assert set(found["right"].kinds) <= {"Linear", "Copy"}  # a layer, with its activation
    assert found["left"].kinds["Matmul"] == 1


def attention(x, qkv, heads, width, value_width, **options):
    """Attend tokens to themselves, with a constant or computed mask, and fewer key heads."""
    tokens, shared = x.shape[1], options.pop("shared", heads)
    sizes = [heads * width, shared * width, shared * value_width]
    q, k, v = qkv(x).split(sizes, -1)
    q, k, v = (
        part.reshape(1, tokens, count, -1).transpose(1, 2)
        for part, count in ((q, heads), (k, shared), (v, shared))
    )
    if options.pop("computed", False):
        options["attn_mask"] = 0.1 * (x @ x.mT)[:, None]
    found = scaled_dot_product_attention(q, k, v, **options)
    return found.transpose(1, 2).reshape(1, tokens, -1)


BOOLEAN = torch.ones(11, 11).tril(2).bool()
ATTENTIONS = {
    "causal": ((4, 8, 8), {"is_causal": True}, "Attention"),
    "boolean": ((4, 8, 8), {"attn_mask": BOOLEAN}, "Attention"),
    "of minus infinity": (
        (4, 8, 8),
        {"attn_mask": torch.zeros(11, 11).masked_fill(~BOOLEAN, -torch.inf)},
        "Attention",
    ),
    "other widths": ((4, 8, 20), {}, "Attention"),
    "one head of keys": ((4, 8, 8), {"shared": 1}, "Attention"),
    "grouped": ((4, 8, 8), {"shared": 2, "enable_gqa": True}, "Attention"),
    "computed mask": ((4, 8, 8), {"computed": True}, "Matmul"),
    "wide heads": ((1, 300, 300), {}, "Matmul"),
    "scale": ((2, 8, 8), {"scale": 0.5}, "Attention"),
}


class Attention(nn.Module):
    """`attention` with a layer for q, k and v."""

    def __init__(self, sizes, options):
        super().__init__()
        heads, width, value_width = sizes
        shared = options.get("shared", heads)
        self.sizes, self.options = sizes, options
        self.qkv = nn.Linear(12, heads * width + shared * (width + value_width))

    def forward(self, x):
        options = {
            key: value.to(x.dtype)
            if isinstance(value, torch.Tensor) and value.is_floating_point()
            else value
            for key, value in self.options.items()
        }
        return attention(x, self.qkv, *self.sizes, **options)


@pytest.mark.parametrize("number", Number)
def test_attention(number, run_each):
    cases = {
        name: (Attention(sizes, options), (1, 11, 12))
        for name, (sizes, options, _) in ATTENTIONS.items()
    }
    for name, ran in run_each(cases, number).items():
        assert ran.error < (FLOAT if number is Number.FLOAT32 else HALF), name
        assert ran.kinds[ATTENTIONS[name][2]] and "Gather" not in ran.kinds, name


def test_modules_of_torch(run_each, call):
    """Its own encoder layers and attention."""
    options = {"batch_first": True, "activation": "gelu"}
    attention = nn.MultiheadAttention(24, 4, batch_first=True)
    cases = {
        "norm first": (
            nn.TransformerEncoderLayer(24, 4, 48, norm_first=True, **options),
            (1, 9, 24),
        ),
        "norm last": (nn.TransformerEncoderLayer(24, 4, 48, **options), (2, 9, 24)),
        "attention": (call(lambda x, part: part(x, x, x)[0], part=attention), (1, 9, 24)),
        "without heads": (
            lambda x: scaled_dot_product_attention(x[:, :5], x[:, 5:], x[:, 5:]),
            (2, 12, 8),
        ),
    }
    for name, ran in run_each(cases).items():
        assert ran.error < FLOAT, name

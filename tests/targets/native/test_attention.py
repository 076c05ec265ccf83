"""Attention, against float64."""

import pytest
import torch
from torch import nn
from torch.nn.functional import scaled_dot_product_attention

SOFTMAX = 2e-6  # exponentials of float32, and sums of as many products as there are keys


class Attention(nn.Module):
    """Fused q, k, v, as all families have it."""

    def __init__(self, heads: int, width: int, bias: torch.Tensor | None, scale=None) -> None:
        super().__init__()
        self.heads, self.width, self.scale = heads, width, scale
        self.qkv = nn.Linear(heads * width, 3 * heads * width)
        self.register_buffer("bias", bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        batch, tokens, _ = x.shape
        qkv = self.qkv(x).reshape(batch, tokens, 3, self.heads, self.width)
        query, key, value = qkv.permute(2, 0, 3, 1, 4).unbind(0)
        mixed = scaled_dot_product_attention(
            query, key, value, attn_mask=self.bias, scale=self.scale
        )
        return mixed.transpose(1, 2).reshape(batch, tokens, self.heads * self.width)


@pytest.mark.slow
@pytest.mark.parametrize("tokens", [1, 7, 49, 197])
@pytest.mark.parametrize(("heads", "width"), [(2, 16), (3, 5), (1, 33)])
@pytest.mark.parametrize("biased", [False, True])
def test_attention(tokens, heads, width, biased, run_native):
    bias = torch.randn(1, heads, tokens, tokens) if biased else None
    ran = run_native(Attention(heads, width, bias), torch.randn(1, tokens, heads * width))
    assert ran.error < SOFTMAX
    assert ran.kinds == {"Linear": 1, "Attention": 1, "Copy": 1}


def test_a_bias_for_each_of_several_windows(run_native):
    bias = torch.randn(4, 1, 9, 9).expand(4, 2, 9, 9).clone()
    ran = run_native(Attention(2, 8, bias), torch.randn(4, 9, 16))
    assert ran.error < SOFTMAX
    assert ran.kinds == {"Linear": 1, "Attention": 1, "Copy": 1}


def test_a_mask_that_shuts_tokens_out(run_native):
    bias = torch.zeros(1, 1, 7, 7)
    bias[..., 4:] = -100.0
    ran = run_native(Attention(2, 8, bias), torch.randn(1, 7, 16))
    assert ran.error < SOFTMAX


def test_scores_far_from_zero(run_native):
    """The largest score is subtracted before anything is raised to a power."""
    module = Attention(1, 4, None, scale=200.0)
    ran = run_native(module, torch.randn(1, 33, 4))
    assert ran.error < 1e-3  # scores of some hundreds, of which float32 rounds the products
    assert not torch.from_numpy(ran.output).isnan().any()


@pytest.mark.parametrize("scale", [0.3, 1.0])
def test_a_scale_of_its_own(scale, run_native):
    ran = run_native(Attention(2, 8, None, scale), torch.randn(1, 7, 16))
    assert ran.error < SOFTMAX


def test_fewer_keys_than_queries_and_other_widths(run_native, call):
    def cross(x, query, key, value):
        few = x[:, ::3]
        q = query(x).reshape(1, 20, 2, 8).transpose(1, 2)
        k = key(few).reshape(1, 7, 2, 8).transpose(1, 2)
        v = value(few).reshape(1, 7, 2, 5).transpose(1, 2)
        return scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(1, 20, 10)

    layers = {"query": nn.Linear(12, 16), "key": nn.Linear(12, 16), "value": nn.Linear(12, 10)}
    ran = run_native(call(cross, **layers), torch.randn(1, 20, 12))
    assert ran.error < SOFTMAX
    assert ran.kinds == {"Linear": 3, "Attention": 1, "Copy": 1}


class Masked(nn.Module):
    """Attention between tokens that a computed mask of truth values allows."""

    def __init__(self, allowed) -> None:
        super().__init__()
        self.allowed = allowed

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        heads = x.reshape(1, 7, 2, 8).transpose(1, 2)
        mixed = scaled_dot_product_attention(heads, heads, heads, attn_mask=self.allowed(x))
        return mixed.transpose(1, 2).reshape(x.shape)


ALLOWED = {
    "keys": lambda x: (x.mean(-1) > 0)[:, None, None, :],
    "pairs": lambda x: (x @ x.mT > 0)[:, None],
    "no key for some": lambda x: (x @ x.mT > x.square().sum(-1).mean())[:, None],
}


@pytest.mark.parametrize("name", ALLOWED)
def test_a_mask_that_is_computed(name, run_native):
    ran = run_native(Masked(ALLOWED[name]), torch.randn(1, 7, 16))
    assert ran.error < SOFTMAX

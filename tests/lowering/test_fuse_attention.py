import pytest
import torch
from torch import nn

from hvit_edge.lowering.canonicalize_views import canonicalize_views
from hvit_edge.lowering.fold_constants import fold_constants
from hvit_edge.lowering.fuse_attention import fuse_attention

X = torch.randn(2, 3, 7, 8)
BIAS = torch.randn(3, 7, 7)


class Attention(nn.Module):
    """Attention of a tensor to itself, written out; `change` alters the scores."""

    def __init__(self, change, bias=None) -> None:
        super().__init__()
        self.change = change
        self.bias = None if bias is None else nn.Parameter(bias)

    def forward(self, x):
        scores = self.change(x @ x.transpose(-2, -1))
        return (scores if self.bias is None else scores + self.bias).softmax(-1) @ x


FUSED = {
    "plain": (Attention(lambda s: s), X),
    "scaled": (Attention(lambda s: s * 0.25), X),
    "divided": (Attention(lambda s: s / 8**0.5), X),
    "biased": (Attention(lambda s: s * 0.25, BIAS), X),
    "biased alike": (Attention(lambda s: s, BIAS[:1, :1]), X),
    "of matrices": (Attention(lambda s: s * 0.25), X[0]),
}


class Shifted(nn.Module):
    """A bias for each head, and a mask for each of two windows, as Swin adds them."""

    def __init__(self, scale=None) -> None:
        super().__init__()
        self.bias, self.mask = nn.Parameter(BIAS), nn.Parameter(torch.randn(2, 7, 7))
        self.scale = None if scale is None else nn.Parameter(scale)

    def forward(self, x):
        q = x if self.scale is not None else x * 0.5
        scores = q @ x.transpose(-2, -1)
        if self.scale is not None:
            scores = scores * self.scale
        scores = (scores + self.bias).view(2, 2, 3, 7, 7) + self.mask[None, :, None]
        return scores.view(4, 3, 7, 7).softmax(-1) @ x


SHIFTED = {"shifted windows": Shifted(), "scaled by heads": Shifted(torch.rand(3, 1, 1) + 0.5)}


@pytest.mark.parametrize("name", SHIFTED)
def test_sums_of_biases_are_one(name, rewritten):
    def fold_and_fuse(graph):
        views = canonicalize_views(graph) | fold_constants(graph)
        return fuse_attention(graph) | views

    after = rewritten(fold_and_fuse, SHIFTED[name], torch.randn(4, 3, 7, 8))
    assert after["scaled_dot_product_attention"] == 1
    assert not {"matmul", "softmax", "add"} & set(after)


@pytest.mark.parametrize("name", FUSED)
def test_attention_becomes_one_operator(name, rewritten):
    module, x = FUSED[name]
    after = rewritten(fuse_attention, module, x)
    assert after["scaled_dot_product_attention"] == 1
    assert not {"matmul", "softmax", "mul", "div", "add"} & set(after)


def test_bmm(rewritten, call):
    after = rewritten(
        fuse_attention, call(lambda x: torch.bmm(torch.bmm(x, x.mT).softmax(2), x)), X[0]
    )
    assert after["scaled_dot_product_attention"] == 1


STAY = {
    "over queries": lambda x: (x @ x.mT).softmax(-2) @ x,
    "another dtype": lambda x: (x @ x.mT).softmax(-1, dtype=torch.float64).float() @ x,
    "used twice": lambda x: _twice((x @ x.mT).softmax(-1), x),
    "scores used twice": lambda x: _scores_twice(x @ x.mT, x),
    "on the right": lambda x: x.mT @ (x @ x.mT).softmax(-1),
    "of no product": lambda x: (x @ x.mT).exp().softmax(-1) @ x,
    "computed bias": lambda x: ((x @ x.mT) + x[..., :1]).softmax(-1) @ x,
    "computed scale": lambda x: ((x @ x.mT) * x[..., :1]).softmax(-1) @ x,
    "scale after the bias": lambda x: (((x @ x.mT) + x[..., :1]) * 2).softmax(-1) @ x,
    "reshaped": lambda x: (x @ x.mT).reshape(1, 6, 7, 7).softmax(-1) @ x.reshape(1, 6, 7, 8),
    "shared values": lambda x: (x @ x.mT).softmax(-1) @ x[:, :1],
    "alpha": lambda x: (
        torch.add(x @ x.mT, torch.ones(7, 7, dtype=x.dtype), alpha=2).softmax(-1) @ x
    ),
}


def _twice(weights, x):
    return weights @ x + weights.sum(-1, True)


def _scores_twice(scores, x):
    return scores.softmax(-1) @ x + scores.sum(-1, True)


@pytest.mark.parametrize("name", STAY)
def test_the_rest_stays(name, untouched, call):
    untouched(fuse_attention, call(STAY[name]), X)


def test_single_vectors_stay(untouched, call):
    untouched(fuse_attention, call(lambda x: (x @ x.mT).softmax(-1) @ x), X[0, 0])

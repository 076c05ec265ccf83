"""Choosing the largest elements and what is at their places, as hybrids that drop tokens do."""

import torch

IMAGE = torch.randn(1, 4, 6, 10, generator=torch.Generator().manual_seed(0))


def tokens(x):
    return x.flatten(2).transpose(1, 2)


def _gathered(x):
    kept = tokens(x).norm(dim=-1).topk(9, dim=1).indices
    return tokens(x).gather(1, kept.unsqueeze(-1).expand(-1, -1, 4))


def _indexed(x):
    kept = tokens(x).norm(dim=-1).topk(9, dim=1).indices[0].sort().values
    return tokens(x)[:, kept] + tokens(x).index_select(1, kept)


FUNCTIONS = {
    "largest": lambda x: x.topk(3, 1).values,
    "smallest": lambda x: tokens(x).topk(5, 1, largest=False).values,
    "places": lambda x: tokens(x).topk(5, 1).indices.to(x.dtype),
    "sorted": lambda x: x.sort(3).values,
    "sorted down": lambda x: x.sort(2, descending=True).values,
    "sorted places": lambda x: x.argsort(3).to(x.dtype),
    "tokens gathered": _gathered,
    "tokens indexed": _indexed,
    "computed places": lambda x: x[:, x[0, 0, 0].long().clamp(0, 3)],
    "gathered from a part": lambda x: x.gather(2, x[:, :2, :, :5].argsort(2)),
}


def test_functions(agree):
    agree(FUNCTIONS, IMAGE)

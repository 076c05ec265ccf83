import pytest
import torch
from torch.nn import functional as F

from hvit_edge.errors import LoweringError

IMAGE = torch.randn(1, 4, 6, 10, generator=torch.Generator().manual_seed(0))
FUNCTIONS = {
    "sum": lambda x: x.sum((2, 3)) + x.sum(),
    "mean of all": lambda x: x.mean() * x,
    "extremes": lambda x: x.amax(1) - x.amin((0, 1)),
    "extreme of all": lambda x: x.max() - x.min() * x,
    "max with places left alone": lambda x: x.max(1).values + x.min(3, keepdim=True).values,
    "places": lambda x: x.argmax(1) + x.argmin(2).float().mean(),
    "max and places": lambda x: torch.add(*x.max(1)),
    "norms": lambda x: x.norm(dim=1) + torch.linalg.vector_norm(x, 1, (2, 3), True).mean(1),
    "norm of infinity": lambda x: torch.linalg.vector_norm(x, torch.inf, 1),
    "normalize": lambda x: F.normalize(x.flatten(2).transpose(1, 2), dim=-1),
    "normalize channels": lambda x: F.normalize(x, dim=1),
    "normalize heads": lambda x: F.normalize(x.reshape(1, 2, 2, 60), dim=-1),
    "variance": lambda x: x.var((2, 3)) + x.var(1, correction=0).mean(),
    "deviation": lambda x: (x - x.mean(1, True)) / (x.std(1, keepdim=True) + 1),
    "variance and mean": lambda x: torch.mul(*torch.var_mean(x, 1, correction=0)),
    "logsumexp": lambda x: x.logsumexp(1),
    "log softmax": lambda x: x.log_softmax(1) + x.flatten(2).log_softmax(-1).reshape(x.shape),
    "cosine similarity": lambda x: F.cosine_similarity(x[:, :2], x[:, 2:], dim=1),
    "products": lambda x: x.prod(1) + x[0, 0, 0].prod(),
    "cumulative sum": lambda x: x.cumsum(1) + x.cumsum(3),
    "six dimensions": lambda x: x.reshape(1, 2, 2, 3, 2, 10).softmax(1).sum((2, 4)),
    "six dimensions in another order": lambda x: (
        x.reshape(2, 2, 2, 3, 2, 5).permute(5, 4, 3, 2, 1, 0).amax((0, 3))
    ),
}


def test_reductions(agree):
    agree(FUNCTIONS, IMAGE)


def test_a_norm_that_counts_is_refused(call, translation):
    with pytest.raises(
        LoweringError, match=r"linalg_vector_norm.*a norm of another order than 0, which counts"
    ):
        translation(call(lambda x: torch.linalg.vector_norm(x, 0, 1)), IMAGE)

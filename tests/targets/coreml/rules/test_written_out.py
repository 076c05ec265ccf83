"""Operators without a rule that become others, by definition."""

import torch
from torch.nn import functional as F

IMAGE = torch.randn(1, 4, 6, 10, generator=torch.Generator().manual_seed(0))
FUNCTIONS = {
    "expm1": lambda x: torch.expm1(x),
    "log2": lambda x: torch.log2(x.abs() + 0.1),
    "log10": lambda x: torch.log10(x.abs() + 0.1),
    "asinh": torch.asinh,
    "hypot": lambda x: torch.hypot(x, x.flip(1)),
    "trunc": lambda x: torch.trunc(4 * x),
    "isnan": lambda x: torch.where(torch.isnan(x), 1.0, x),
    "any and all": lambda x: x * (x > 1).any(1, keepdim=True) + (x > -2).all(),
    "count": lambda x: (x > 0).sum((2, 3)) / 60,
    "counts and fractions": lambda x: (x > 0).sum(2) * 0.5 + ((x > 0).sum(2) < 2.5).float(),
    "cdist": lambda x: torch.cdist(x[0], x[0].flip(0) + 1),
    "cumprod": lambda x: x.cumprod(2),
    "to a tensor's dtype": lambda x: (x > 0).to(x) * x,
    "erfc": torch.special.erfc,
    "atan2": lambda x: torch.atan2(x, x.flip(1)),
    "median": lambda x: x.median(-1)[0] + x.median(),
    "kthvalue": lambda x: x.kthvalue(3, 1, keepdim=True)[0],
    "quantile": lambda x: x.quantile(0.3, dim=2),
    "norm of order 3": lambda x: torch.linalg.vector_norm(x, 3, dim=1),
    "bucketize": lambda x: torch.bucketize(x, torch.tensor([-1.0, 0, 1], dtype=x.dtype)) / 3,
    "sums of booleans": lambda x: (x > 0).cumsum(2) / 6,
    "division of integers": lambda x: ((20 * x).to(torch.int32) // 3) / 20,
    "division of integers toward zero": lambda x: (
        torch.div((20 * x).to(torch.int32), 3, rounding_mode="trunc") / 20
    ),
    "places that broadcast": lambda x: torch.take_along_dim(x, torch.tensor([[[[2, 1]]]]), -1),
    "a constant grid": lambda x: F.grid_sample(
        x,
        F.affine_grid(
            torch.tensor([[[0.8, 0.3, 0.05], [-0.3, 0.8, 0.1]]], dtype=x.dtype),
            [1, 4, 5, 5],
            align_corners=False,
        ),
        align_corners=False,
    ),
    "a computed grid": lambda x: F.grid_sample(
        x, x[:, :2].tanh().permute(0, 2, 3, 1), padding_mode="border", align_corners=True
    ),
    "fourier": lambda x: torch.fft.irfft2(torch.fft.rfft2(x) * (1 + 2j), s=(6, 10)),
    "places that are written": lambda x: x.index_copy(2, torch.tensor([5, 0]), x[:, :, :2] * 3),
    "sums at places": lambda x: x.index_add(1, torch.tensor([0, 0, 3, 1]), x * 2),
    "many places": lambda x: x.index_fill(3, torch.arange(0, 10, 2), 0.5),
}


def test_functions(agree):
    agree(FUNCTIONS, IMAGE)

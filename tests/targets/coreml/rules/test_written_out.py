"""Operators without a rule that become others, by definition."""

import torch

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
}


def test_functions(agree):
    agree(FUNCTIONS, IMAGE)

"""Compare pairs of elements, and choose by the result."""

from __future__ import annotations

import torch
from torch import Tensor

from hvit_edge.coreml.operators.registry import operator

COMPARISONS = {
    "equal": torch.eq,
    "not_equal": torch.ne,
    "greater": torch.gt,
    "greater_equal": torch.ge,
    "less": torch.lt,
    "less_equal": torch.le,
    "logical_and": torch.logical_and,
    "logical_or": torch.logical_or,
    "logical_xor": torch.logical_xor,
}


def _register(name: str) -> None:
    @operator(name)
    def compare(x: Tensor, y: Tensor) -> Tensor:
        return COMPARISONS[name](x, y)


for _name in COMPARISONS:
    _register(_name)


@operator("logical_not")
def logical_not(x: Tensor) -> Tensor:
    """Return not x."""
    return torch.logical_not(x)


@operator("select")
def select(cond: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """Return a if the condition is true, else b."""
    return torch.where(cond != 0, a, b)

"""Multiply matrices."""

from __future__ import annotations

import torch
from torch import Tensor

from hvit_edge.coreml.operators.registry import operator


@operator("linear")
def linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Return x times the transposed weight [out, in], plus the bias [out]."""
    y = torch.matmul(x, weight.transpose(0, 1))
    return y if bias is None else y + bias


@operator("matmul")
def matmul(x: Tensor, y: Tensor, *, transpose_x: bool, transpose_y: bool) -> Tensor:
    """Return the batched product; transposing a vector has no effect."""
    x = x.transpose(-1, -2) if transpose_x and x.ndim > 1 else x
    y = y.transpose(-1, -2) if transpose_y and y.ndim > 1 else y
    return torch.matmul(x, y)


@operator("einsum")
def einsum(values: list[Tensor], *, equation: str) -> Tensor:
    """Return Einstein's sum over two tensors; dimensions of size one broadcast."""
    return torch.einsum(equation, *values)

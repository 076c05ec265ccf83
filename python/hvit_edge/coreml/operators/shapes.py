"""Read shapes, change them, and make tensors of given shapes."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from hvit_edge.coreml.operators.registry import IOS17, operator


@operator("reshape")
def reshape(x: Tensor, *, shape: list[int]) -> Tensor:
    """Reshape; 0 keeps the size of the same dimension, and -1 is what remains."""
    if 0 in shape and len(shape) != x.ndim:
        raise ValueError(f"0 in shape {shape} needs the rank of x, {x.ndim}")
    return x.reshape([size or x.shape[axis] for axis, size in enumerate(shape)])


@operator("reshape", since=IOS17)
def reshape_from_right(x: Tensor, *, shape: list[int]) -> Tensor:
    """Reshape; 0 keeps the size of the same dimension from the right, 1 beyond the rank of x."""
    sizes = [1] * max(0, len(shape) - x.ndim) + list(x.shape)
    sizes = sizes[len(sizes) - len(shape) :]
    return x.reshape([size or old for size, old in zip(shape, sizes, strict=True)])


@operator("transpose")
def transpose(x: Tensor, *, perm: list[int]) -> Tensor:
    """Permute dimensions: dimension i of the result is dimension perm[i] of x."""
    return x.permute(perm)


@operator("expand_dims")
def expand_dims(x: Tensor, *, axes: list[int]) -> Tensor:
    """Insert dimensions of size 1 at `axes` of the result."""
    rank = x.ndim + len(axes)
    for axis in sorted(axis % rank for axis in axes):
        x = x.unsqueeze(axis)
    return x


@operator("squeeze")
def squeeze(x: Tensor, *, axes: list[int] | None = None) -> Tensor:
    """Remove dimensions of size 1, in `axes` or all; other sizes stay, as in PyTorch."""
    return x.squeeze() if axes is None else x.squeeze(axes)


@operator("flatten2d")
def flatten2d(x: Tensor, *, axis: int) -> Tensor:
    """Reshape to [product of sizes before the axis, product of the rest]."""
    return x.reshape(math.prod(x.shape[:axis]), math.prod(x.shape[axis:]))


@operator("shape")
def shape(x: Tensor) -> Tensor:
    """Return the sizes of x."""
    return torch.tensor(x.shape, dtype=torch.int64)


@operator("fill")
def fill(*, shape: list[int], value: float) -> Tensor:
    """Return a tensor that is filled with one value."""
    return torch.full(shape, value)


@operator("fill_like")
def fill_like(ref_tensor: Tensor, *, value: float) -> Tensor:
    """Return a tensor in the shape of another, filled with one value."""
    return torch.full(ref_tensor.shape, value)


@operator("tile")
def tile(x: Tensor, *, reps: list[int]) -> Tensor:
    """Repeat x reps[i] times along dimension i."""
    return x.repeat(reps)


@operator("reverse")
def reverse(x: Tensor, *, axes: list[int] | None = None) -> Tensor:
    """Reverse along `axes`, or along all."""
    return x.flip(list(range(x.ndim)) if axes is None else axes)

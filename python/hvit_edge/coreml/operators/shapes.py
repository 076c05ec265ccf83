"""Shapes: reading them, changing them, making tensors of them."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from hvit_edge.coreml.operators.registry import IOS17, operator


@operator("reshape")
def reshape(x: Tensor, *, shape: list[int]) -> Tensor:
    """0 keeps the size of the same dimension, -1 is what remains."""
    if 0 in shape and len(shape) != x.ndim:
        raise ValueError(f"0 in shape {shape} needs the rank of x, {x.ndim}")
    return x.reshape([size or x.shape[axis] for axis, size in enumerate(shape)])


@operator("reshape", since=IOS17)
def reshape_from_right(x: Tensor, *, shape: list[int]) -> Tensor:
    """0 keeps the size of the same dimension counted from the right, 1 beyond the rank of x."""
    sizes = [1] * max(0, len(shape) - x.ndim) + list(x.shape)
    sizes = sizes[len(sizes) - len(shape) :]
    return x.reshape([size or old for size, old in zip(shape, sizes, strict=True)])


@operator("transpose")
def transpose(x: Tensor, *, perm: list[int]) -> Tensor:
    """Dimension i of the result is dimension perm[i] of x."""
    return x.permute(perm)


@operator("expand_dims")
def expand_dims(x: Tensor, *, axes: list[int]) -> Tensor:
    """Dimensions of size 1 at `axes` of the result."""
    rank = x.ndim + len(axes)
    for axis in sorted(axis % rank for axis in axes):
        x = x.unsqueeze(axis)
    return x


@operator("squeeze")
def squeeze(x: Tensor, *, axes: list[int] | None = None) -> Tensor:
    """Without dimensions of size 1, of `axes` or all; others stay, as in PyTorch."""
    return x.squeeze() if axes is None else x.squeeze(axes)


@operator("flatten2d")
def flatten2d(x: Tensor, *, axis: int) -> Tensor:
    """[what is before the axis, the rest]."""
    return x.reshape(math.prod(x.shape[:axis]), math.prod(x.shape[axis:]))


@operator("shape")
def shape(x: Tensor) -> Tensor:
    """The sizes of x."""
    return torch.tensor(x.shape, dtype=torch.int64)


@operator("fill")
def fill(*, shape: list[int], value: float) -> Tensor:
    """A tensor of one value."""
    return torch.full(shape, value)


@operator("fill_like")
def fill_like(ref_tensor: Tensor, *, value: float) -> Tensor:
    """A tensor of one value in the shape of another."""
    return torch.full(ref_tensor.shape, value)


@operator("tile")
def tile(x: Tensor, *, reps: list[int]) -> Tensor:
    """X repeated reps[i] times along dimension i."""
    return x.repeat(reps)


@operator("reverse")
def reverse(x: Tensor, *, axes: list[int] | None = None) -> Tensor:
    """Backwards along `axes`, or along all."""
    return x.flip(list(range(x.ndim)) if axes is None else axes)

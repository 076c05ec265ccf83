"""Compute norms in float64, because centering loses digits; only the result is rounded."""

from __future__ import annotations

import torch
from torch import Tensor

from hvit_edge.coreml.operators.registry import operator


@operator("batch_norm")
def batch_norm(
    x: Tensor,
    mean: Tensor,
    variance: Tensor,
    gamma: Tensor | None = None,
    beta: Tensor | None = None,
    *,
    epsilon: float,
) -> Tensor:
    """Normalize x [n, C, ...] by constants of shape [C]."""
    y = (x.double() - _channels(mean, x)) / torch.sqrt(_channels(variance, x).double() + epsilon)
    return _affine(y, gamma, beta, [1 if axis != 1 else -1 for axis in range(x.ndim)])


@operator("instance_norm")
def instance_norm(
    x: Tensor, gamma: Tensor | None = None, beta: Tensor | None = None, *, epsilon: float
) -> Tensor:
    """Normalize x [n, C, ...] over its spatial dimensions; gamma and beta are [C]."""
    y = _normalized(x, list(range(2, x.ndim)), epsilon)
    return _affine(y, gamma, beta, [1 if axis != 1 else -1 for axis in range(x.ndim)])


@operator("layer_norm")
def layer_norm(
    x: Tensor,
    gamma: Tensor | None = None,
    beta: Tensor | None = None,
    *,
    axes: list[int],
    epsilon: float,
) -> Tensor:
    """Normalize x over `axes`; gamma and beta have the sizes of these axes in the order of x."""
    axes = [axis % x.ndim for axis in axes]
    shape = [size if axis in axes else 1 for axis, size in enumerate(x.shape)]
    return _affine(_normalized(x, axes, epsilon), gamma, beta, shape)


@operator("l2_norm")
def l2_norm(x: Tensor, *, epsilon: float) -> Tensor:
    """Divide x by the root of the sum of squares of its last three dimensions plus epsilon."""
    y = x.double()
    return (y / torch.sqrt(y.square().sum((-3, -2, -1), keepdim=True) + epsilon)).to(x.dtype)


def _normalized(x: Tensor, axes: list[int], epsilon: float) -> Tensor:
    x = x.double()
    centered = x - x.mean(axes, keepdim=True)
    return centered / torch.sqrt(centered.square().mean(axes, keepdim=True) + epsilon)


def _affine(y: Tensor, gamma: Tensor | None, beta: Tensor | None, shape: list[int]) -> Tensor:
    y = y if gamma is None else y * gamma.reshape(shape)
    return (y if beta is None else y + beta.reshape(shape)).float()


def _channels(values: Tensor, x: Tensor) -> Tensor:
    return values.reshape(-1, *[1] * (x.ndim - 2))

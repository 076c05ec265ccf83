"""Round weights such that the error of the layer's output is small, not that of the weights.

Each weight is rounded in turn. The weights of the same output that are still free make up for its
error, as far as their inputs resemble its input (Frantar et al., "GPTQ", arXiv 2210.17323, after
LeCun's optimal brain surgeon). The rest of the error's mean goes into the bias (Nagel et al., arXiv
1906.04721), so the inputs' covariance is what counts.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from hvit_edge.quantize.moments import Moments
from hvit_edge.quantize.weights import LARGEST, QuantizedWeight, channel_scales

DAMPING = 0.01  # of the mean variance: keeps the inverse stable if inputs are dependent
BLOCK = 64  # columns whose effect on the later ones is applied together


Order = tuple[Tensor, Tensor]
"""The inputs in the order in which they are rounded, and the factor of their inverse covariance."""


def rounding_orders(moments: Moments) -> list[Order]:
    """Return the order of each group of inputs: the most varying ones are rounded first."""
    orders = []
    for covariance in moments.covariance:
        order = torch.argsort(covariance.diagonal(), descending=True, stable=True)
        orders.append((order, _inverse_factor(covariance[order][:, order])))
    return orders


def round_weight(
    weight: Tensor, moments: Moments, orders: Sequence[Order] | None = None
) -> QuantizedWeight:
    """Round float `weight` [outputs, ...] with one scale for each output.

    Args:
        weight: the weights of a linear, or of a convolution with `len(moments.mean)` groups.
        moments: the moments of the layer's input.
        orders: `rounding_orders(moments)`, if other layers read the same inputs.
    """
    orders = rounding_orders(moments) if orders is None else orders
    scales = channel_scales(weight)
    groups = len(moments.mean)
    rows = weight.detach().double().flatten(1).chunk(groups)
    steps = scales.double().chunk(groups)
    rounded = [
        _round_group(*parts) for parts in zip(rows, steps, moments.covariance, orders, strict=True)
    ]
    return QuantizedWeight(torch.cat(rounded).reshape(weight.shape).to(torch.int8), scales)


def mean_error(weight: Tensor, rounded: QuantizedWeight, moments: Moments) -> Tensor:
    """Return what rounding adds to each output on average, float64 [outputs]."""
    error = (rounded.dequantize() - weight.detach().double()).flatten(1)
    parts = zip(error.chunk(len(moments.mean)), moments.mean, strict=True)
    return torch.cat([part @ mean for part, mean in parts])


def _round_group(rows: Tensor, scales: Tensor, covariance: Tensor, how: Order) -> Tensor:
    """Return the integers for `rows` [outputs, inputs]."""
    order, factor = how
    left, rounded = rows[:, order].clone(), torch.empty_like(rows)
    for first in range(0, left.shape[1], BLOCK):
        last = min(first + BLOCK, left.shape[1])
        errors = torch.empty_like(left[:, first:last])
        for column in range(first, last):
            integers = (left[:, column] / scales).round().clamp(-LARGEST, LARGEST)
            rounded[:, column] = integers
            error = (left[:, column] - integers * scales) / factor[column, column]
            left[:, column:last] -= error[:, None] * factor[column, column:last]
            errors[:, column - first] = error
        left[:, last:] -= errors @ factor[first:last, last:]
    rounded = rounded[:, torch.argsort(order)]
    nearest = (rows / scales[:, None]).round().clamp(-LARGEST, LARGEST)
    worse = _error_energy(rows, scales, rounded, covariance) > _error_energy(
        rows, scales, nearest, covariance
    )
    return torch.where(worse[:, None], nearest, rounded)


def _error_energy(rows: Tensor, scales: Tensor, integers: Tensor, covariance: Tensor) -> Tensor:
    """Return the variance of each output's error, [outputs]."""
    error = integers * scales[:, None] - rows
    return ((error @ covariance) * error).sum(1)


def _inverse_factor(covariance: Tensor) -> Tensor:
    """Return the upper Cholesky factor of the inverse covariance, damped as much as needed."""
    diagonal = covariance.diagonal().clamp(min=0)
    damping = (DAMPING * diagonal.mean()).clamp(min=torch.finfo(torch.float32).tiny)
    while True:
        damped = covariance + damping * torch.eye(len(covariance), dtype=covariance.dtype)
        factor, failed = torch.linalg.cholesky_ex(damped)
        if not failed:
            return torch.linalg.cholesky(torch.cholesky_inverse(factor), upper=True)
        damping = 10 * damping

"""Round weights such that the error of the layer's output is small, not that of the weights.

Each weight is rounded in turn. The weights of the same output that are still free make up for its
error, as far as their inputs resemble its input (Frantar et al., "GPTQ", arXiv 2210.17323, after
LeCun's optimal brain surgeon). The rest of the error's mean goes into the bias (Nagel et al., arXiv
1906.04721), so the inputs' covariance is what counts.

    covariance + damping = R R^T, R upper triangular
    error[k] = weight[k] - rounded[k],   rounded[k] = nearest(weight[k] + sum over j < k of
                                                              error[j] R[j, k] / R[k, k])

This form of GPTQ needs no inverse of the covariance (Chee et al., "QuIP", arXiv 2307.13304, prove
that both round alike).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from hvit_edge.quantize.moments import Moments
from hvit_edge.quantize.weights import LARGEST, QuantizedWeight, channel_scales

DAMPING = 0.01  # of the mean variance: keeps the inverse stable if inputs are dependent
BLOCK = 64  # inputs to which the errors of all earlier blocks are applied together
WIDE_BLOCK = 256


@dataclass(frozen=True)
class Order:
    """Says in which order inputs are rounded.

    Attributes:
        inputs: the indices of the inputs, the most varying one first.
        factor: R, float64 [inputs, inputs] in this order.
        damping: what was added to the variance of each input.
    """

    inputs: Tensor
    factor: Tensor
    damping: Tensor


def rounding_orders(moments: Moments) -> list[Order]:
    """Return the order of each group of inputs: the most varying ones are rounded first."""
    return [_order(covariance) for covariance in moments.covariance]


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
    rounded = [_round_group(*parts) for parts in zip(rows, steps, orders, strict=True)]
    return QuantizedWeight(torch.cat(rounded).reshape(weight.shape).to(torch.int8), scales)


def mean_error(weight: Tensor, rounded: QuantizedWeight, moments: Moments) -> Tensor:
    """Return what rounding adds to each output on average, float64 [outputs]."""
    error = (rounded.dequantize() - weight.detach().double()).flatten(1)
    parts = zip(error.chunk(len(moments.mean)), moments.mean, strict=True)
    return torch.cat([part @ mean for part, mean in parts])


def _round_group(rows: Tensor, scales: Tensor, order: Order) -> Tensor:
    """Return the integers for `rows` [outputs, inputs]."""
    wanted = rows[:, order.inputs].T.contiguous()
    nearest = _integers(wanted, scales)
    rounded, energy = _make_up(wanted, scales, order.factor)
    energy -= order.damping * (wanted - rounded * scales).square().sum(0)
    worse = energy > _error_energy(wanted - nearest * scales, order)
    found = torch.where(worse, nearest, rounded)
    return found[torch.argsort(order.inputs)].T


def _integers(values: Tensor, scales: Tensor) -> Tensor:
    return (values / scales).round_().clamp_(-LARGEST, LARGEST)


def _make_up(wanted: Tensor, scales: Tensor, factor: Tensor) -> tuple[Tensor, Tensor]:
    """Round `wanted` [inputs, outputs] in turn; later weights make up for errors of earlier ones.

    Returns:
        The integers, and the energy of each output's error [outputs], with the damping.
    """
    own = factor.diagonal()
    shares = (factor / own).T.contiguous()
    rounded, errors = torch.empty_like(wanted), torch.empty_like(wanted)
    energy = torch.zeros_like(scales)
    for first in range(0, len(wanted), BLOCK):
        block = slice(first, first + BLOCK)
        targets = wanted[block] + shares[block, :first] @ errors[:first]
        for row, target in enumerate(targets):
            now = first + row
            if row > 0:
                target.addmv_(errors[first:now].T, shares[now, first:now])
            rounded[now] = integers = _integers(target, scales)
            torch.addcmul(wanted[now], integers, scales, value=-1, out=errors[now])
        left = (targets - rounded[block] * scales) * own[block, None]
        energy += left.square_().sum(0)
    return rounded, energy


def _error_energy(errors: Tensor, order: Order) -> Tensor:
    """Return the variance of each output's error [outputs] from errors [inputs, outputs]."""
    energy = -order.damping * errors.square().sum(0)
    for first in range(0, len(errors), WIDE_BLOCK):  # R is zero below its diagonal
        last = first + WIDE_BLOCK
        energy += (order.factor[:last, first:last].T @ errors[:last]).square_().sum(0)
    return energy


def _order(covariance: Tensor) -> Order:
    """Return the order of inputs with this covariance, damped as much as needed."""
    diagonal = covariance.diagonal().clamp(min=0)
    damping = (DAMPING * diagonal.mean()).clamp(min=torch.finfo(torch.float32).tiny)
    order = torch.argsort(covariance.diagonal(), descending=True, stable=True)
    backward = order.flip(0)
    damped = covariance[backward[:, None], backward]
    damped.diagonal().add_(damping)
    while True:
        factor, failed = torch.linalg.cholesky_ex(damped)
        if not failed:  # of the inputs in the opposite order, it is lower triangular
            del damped
            return Order(order, factor.flip(0, 1), damping)
        damped.diagonal().add_(9 * damping)
        damping = 10 * damping

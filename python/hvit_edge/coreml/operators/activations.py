"""Compute activation functions and softmax."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from hvit_edge.coreml.operators.registry import operator


@operator("relu")
def relu(x: Tensor) -> Tensor:
    """Return max(x, 0)."""
    return x.clamp(min=0)


@operator("relu6")
def relu6(x: Tensor) -> Tensor:
    """Return min(max(x, 0), 6)."""
    return x.clamp(0, 6)


@operator("sigmoid")
def sigmoid(x: Tensor) -> Tensor:
    """Return 1 / (1 + exp(-x))."""
    return torch.sigmoid(x)


@operator("silu")
def silu(x: Tensor) -> Tensor:
    """Return x * sigmoid(x)."""
    return torch.nn.functional.silu(x)


@operator("gelu")
def gelu(x: Tensor, *, mode: str) -> Tensor:
    """Return GELU by one of three formulas: with erf, with tanh, or with the sigmoid of 1.702 x."""
    if mode == "SIGMOID_APPROXIMATION":
        return x * torch.sigmoid(1.702 * x)
    if mode == "TANH_APPROXIMATION":
        inner = math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)
        return 0.5 * x * (1 + torch.tanh(inner))
    # 1 + erf(x) loses every digit below -3; erfc(-x) is equal and does not.
    return 0.5 * x * torch.erfc(x * -math.sqrt(0.5))


@operator("softplus")
def softplus(x: Tensor) -> Tensor:
    """Return ln(1 + exp(x))."""
    return torch.logaddexp(x, torch.zeros_like(x))


@operator("softplus_parametric")
def softplus_parametric(x: Tensor, alpha: Tensor, beta: Tensor) -> Tensor:
    """Return alpha * ln(1 + exp(beta * x)), with a pair of parameters for each channel."""
    return _per_channel(alpha, x) * softplus(_per_channel(beta, x) * x)


@operator("softsign")
def softsign(x: Tensor) -> Tensor:
    """Return x / (1 + |x|)."""
    return x / (1 + x.abs())


@operator("leaky_relu")
def leaky_relu(x: Tensor, *, alpha: float) -> Tensor:
    """Return x, or alpha * x if x is negative."""
    return torch.where(x >= 0, x, alpha * x)


@operator("prelu")
def prelu(x: Tensor, alpha: Tensor) -> Tensor:
    """Return x, or alpha * x if x is negative, with one alpha for each channel."""
    return torch.where(x >= 0, x, _per_channel(alpha, x) * x)


@operator("elu")
def elu(x: Tensor, *, alpha: float) -> Tensor:
    """Return x, or alpha * (exp(x) - 1) if x is negative."""
    return torch.where(x > 0, x, alpha * torch.expm1(x))


@operator("clamped_relu")
def clamped_relu(x: Tensor, *, alpha: float, beta: float) -> Tensor:
    """Return min(x, beta), or min(alpha * x, beta) if x is negative."""
    return torch.where(x >= 0, x, alpha * x).clamp(max=beta)


@operator("thresholded_relu")
def thresholded_relu(x: Tensor, *, alpha: float) -> Tensor:
    """Return x if it is at least alpha, else 0."""
    return torch.where(x >= alpha, x, 0.0)


@operator("linear_activation")
def linear_activation(x: Tensor, *, alpha: float, beta: float) -> Tensor:
    """Return alpha * x + beta."""
    return alpha * x + beta


@operator("scaled_tanh")
def scaled_tanh(x: Tensor, *, alpha: float, beta: float) -> Tensor:
    """Return alpha * tanh(beta * x)."""
    return alpha * torch.tanh(beta * x)


@operator("sigmoid_hard")
def sigmoid_hard(x: Tensor, *, alpha: float, beta: float) -> Tensor:
    """Return alpha * x + beta, limited to [0, 1]."""
    return (alpha * x + beta).clamp(0, 1)


@operator("softmax")
def softmax(x: Tensor, *, axis: int) -> Tensor:
    """Return exp(x) divided by its sum along the axis."""
    return torch.softmax(x, axis)


def _per_channel(values: Tensor, x: Tensor) -> Tensor:
    return values.reshape(-1, *[1] * (x.ndim - 2))

"""Compute arithmetic element by element, with numpy's broadcasting."""

from __future__ import annotations

import torch
from torch import Tensor

from hvit_edge.coreml.operators.registry import operator

UNARY = {
    "abs": torch.abs,
    "acos": torch.acos,
    "asin": torch.asin,
    "atan": torch.atan,
    "atanh": torch.atanh,
    "ceil": torch.ceil,
    "cos": torch.cos,
    "cosh": torch.cosh,
    "erf": torch.erf,
    "exp": torch.exp,
    "exp2": torch.exp2,
    "floor": torch.floor,
    "identity": torch.clone,
    "round": torch.round,  # halves go to the even neighbor
    "sign": torch.sign,
    "sin": torch.sin,
    "sinh": torch.sinh,
    "sqrt": torch.sqrt,
    "square": torch.square,
    "tan": torch.tan,
    "tanh": torch.tanh,
}
BINARY = {
    "add": torch.add,
    "sub": torch.sub,
    "mul": torch.mul,
    "maximum": torch.maximum,
    "minimum": torch.minimum,
    "pow": torch.pow,
    "mod": torch.remainder,
    "floor_div": torch.floor_divide,
}


def _register_unary(name: str) -> None:
    @operator(name)
    def unary(x: Tensor) -> Tensor:
        return UNARY[name](x)


def _register_binary(name: str) -> None:
    @operator(name)
    def binary(x: Tensor, y: Tensor) -> Tensor:
        return BINARY[name](x, y)


for _name in UNARY:
    _register_unary(_name)
for _name in BINARY:
    _register_binary(_name)


@operator("real_div")
def real_div(x: Tensor, y: Tensor) -> Tensor:
    """Return x / y; quotients of integers are truncated."""
    return torch.div(x, y, rounding_mode=None if x.dtype.is_floating_point else "trunc")


@operator("clip")
def clip(x: Tensor, *, alpha: float, beta: float) -> Tensor:
    """Return x limited to [alpha, beta]."""
    return x.clamp(alpha, beta)


@operator("threshold")
def threshold(x: Tensor, *, alpha: float) -> Tensor:
    """Return x limited to at least alpha."""
    return x.clamp(min=alpha)


@operator("inverse")
def inverse(x: Tensor, *, epsilon: float) -> Tensor:
    """Return 1 / (x + epsilon)."""
    return 1 / (x + epsilon)


@operator("log")
def log(x: Tensor, *, epsilon: float) -> Tensor:
    """Return ln(x + epsilon)."""
    return torch.log(x + epsilon)


@operator("rsqrt")
def rsqrt(x: Tensor, *, epsilon: float) -> Tensor:
    """Return 1 / sqrt(x + epsilon)."""
    return 1 / torch.sqrt(x + epsilon)


@operator("cast")
def cast(x: Tensor, *, dtype: str) -> Tensor:
    """Return x; storing the result casts it: to integers by truncation, to bool as x != 0."""
    return x

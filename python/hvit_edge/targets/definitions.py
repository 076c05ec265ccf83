"""Define operators that PyTorch does not define by others and that not every target has.

`write_out` uses a definition if a target does not have the operator. Each is exact up to rounding
in float32: another form is used if a difference of close numbers would lose digits.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from hvit_edge.lowering.graph import aten

Definition = Callable[..., Tensor | tuple[Tensor, ...]]
LONGEST = 512
"""The most elements of a cumulative product, which needs a product for each doubling."""


def _expm1(x: Tensor) -> Tensor:
    return torch.tanh(x / 2) * (torch.exp(x) + 1)


def _asinh(x: Tensor) -> Tensor:
    size = x.abs()
    return x.sign() * torch.log(size + torch.sqrt(size * size + 1))


def _clamp(x: Tensor, min: Tensor | None = None, max: Tensor | None = None) -> Tensor:
    x = x if min is None else torch.maximum(x, min)
    return x if max is None else torch.minimum(x, max)


def _any(x: Tensor, dim: int | Sequence[int] = (), keepdim: bool = False) -> Tensor:
    return torch.amax(x.to(torch.float32), dim, keepdim) > 0


def _all(x: Tensor, dim: int | Sequence[int] = (), keepdim: bool = False) -> Tensor:
    return torch.amin(x.to(torch.bool).to(torch.float32), dim, keepdim) > 0


def _nan_to_num(
    x: Tensor,
    nan: float | None = None,
    posinf: float | None = None,
    neginf: float | None = None,
) -> Tensor:
    limits = torch.finfo(x.dtype)
    x = torch.where(x != x, 0.0 if nan is None else nan, x)
    x = torch.where(x == math.inf, limits.max if posinf is None else posinf, x)
    return torch.where(x == -math.inf, limits.min if neginf is None else neginf, x)


def _distances(left: Tensor, right: Tensor, p: float, compute_mode: int | None) -> Tensor:
    difference = left.unsqueeze(-2) - right.unsqueeze(-3)
    return torch.linalg.vector_norm(difference, p, -1)


def _cumulative_product(x: Tensor, dim: int, *, dtype: torch.dtype | None = None) -> Tensor:
    length = x.shape[dim]
    if dtype not in (None, x.dtype) or length > LONGEST:
        raise NotImplementedError
    step = 1
    while step < length:
        before, after = x.narrow(dim, 0, length - step), x.narrow(dim, step, length - step)
        x = torch.cat([x.narrow(dim, 0, step), before * after], dim)
        step *= 2
    return x


def _std_mean(x: Tensor, dim: object = None, **options: object) -> tuple[Tensor, Tensor]:
    keepdim = bool(options.get("keepdim", False))
    return torch.std(x, dim, **options), torch.mean(x, dim, keepdim)


def _var_mean(x: Tensor, dim: object = None, **options: object) -> tuple[Tensor, Tensor]:
    keepdim = bool(options.get("keepdim", False))
    return torch.var(x, dim, **options), torch.mean(x, dim, keepdim)


def _sort(x: Tensor, dim: int = -1, descending: bool = False) -> tuple[Tensor, Tensor]:
    if x.dim() == 0:
        raise NotImplementedError
    return torch.topk(x, x.shape[dim], dim, descending, True)


def _rrelu(
    x: Tensor, noise: Tensor, lower: float = 1 / 8, upper: float = 1 / 3, training: bool = False
) -> Tensor:
    if training:
        raise NotImplementedError
    return torch.nn.functional.leaky_relu(x, (lower + upper) / 2)


DEFINITIONS: dict[object, Definition] = {
    aten.expm1.default: _expm1,
    aten.log1p.default: lambda x: torch.log(x + 1),
    aten.log2.default: lambda x: torch.log(x) * (1 / math.log(2)),
    aten.log10.default: lambda x: torch.log(x) * (1 / math.log(10)),
    aten.exp2.default: lambda x: torch.exp(x * math.log(2)),
    aten.sinh.default: lambda x: (torch.exp(x) - torch.exp(-x)) / 2,
    aten.cosh.default: lambda x: (torch.exp(x) + torch.exp(-x)) / 2,
    aten.tan.default: lambda x: torch.sin(x) / torch.cos(x),
    aten.asinh.default: _asinh,
    aten.atanh.default: lambda x: torch.log((1 + x) / (1 - x)) / 2,
    aten.hypot.default: lambda x, y: torch.sqrt(x * x + y * y),
    aten.trunc.default: lambda x: x.sign() * x.abs().floor(),
    aten.isinf.default: lambda x: x.abs() == math.inf,
    aten.isnan.default: lambda x: x != x,
    aten.nan_to_num.default: _nan_to_num,
    aten.clamp.Tensor: _clamp,
    aten.clamp_min.Tensor: torch.maximum,
    aten.clamp_max.Tensor: torch.minimum,
    aten.any.default: _any,
    aten.any.dim: _any,
    aten.any.dims: _any,
    aten.all.default: _all,
    aten.all.dim: _all,
    aten.all.dims: _all,
    aten.std_mean.correction: _std_mean,
    aten.var_mean.correction: _var_mean,
    aten._cdist_forward.default: _distances,
    aten.cumprod.default: _cumulative_product,
    aten.rrelu_with_noise.default: _rrelu,
    aten.sort.default: _sort,
    aten.argsort.default: lambda x, dim=-1, descending=False: _sort(x, dim, descending)[1],
}

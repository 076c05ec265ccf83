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
from hvit_edge.targets.grid_sampling import grid_sampler

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


def _bilinear(left: Tensor, right: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    outputs, ins, others = weight.shape
    rows = weight.permute(0, 2, 1).reshape(outputs * others, ins)
    halves = torch.nn.functional.linear(left, rows).reshape(-1, outputs, others)
    result = torch.matmul(halves, right.reshape(-1, others, 1))
    result = result.reshape(*left.shape[:-1], outputs)
    return result if bias is None else result + bias


def _median(x: Tensor) -> Tensor:
    return _kth(x.reshape(-1), (x.numel() + 1) // 2, 0)[0]


def _median_along(x: Tensor, dim: int, keepdim: bool = False) -> tuple[Tensor, Tensor]:
    return _kth(x, (x.shape[dim] + 1) // 2, dim, keepdim)


def _kth(x: Tensor, k: int, dim: int = -1, keepdim: bool = False) -> tuple[Tensor, Tensor]:
    if x.dim() == 0:
        raise NotImplementedError
    values, places = (part.narrow(dim, k - 1, 1) for part in torch.topk(x, k, dim, False, True))
    return (values, places) if keepdim else (values.squeeze(dim), places.squeeze(dim))


def _divide(x: Tensor, y: Tensor | float, *, rounding_mode: str | None = None) -> Tensor:
    if not x.is_floating_point():
        return torch.div(x, y, rounding_mode=rounding_mode)
    quotient = x / y
    if rounding_mode is None:
        return quotient
    return torch.floor(quotient) if rounding_mode == "floor" else torch.trunc(quotient)


def _floor_divide(x: Tensor, y: Tensor | float) -> Tensor:
    return _divide(x, y, rounding_mode="floor")


def _remainder(x: Tensor, y: Tensor | float) -> Tensor:
    return x - _floor_divide(x, y) * y


def _fmod(x: Tensor, y: Tensor | float) -> Tensor:
    return x - _divide(x, y, rounding_mode="trunc") * y


def _product(x: Tensor, dim: int, keepdim: bool = False, *, dtype: object = None) -> Tensor:
    if dtype not in (None, x.dtype) or x.shape[dim] == 0:
        raise NotImplementedError
    while x.shape[dim] > 1:
        half = x.shape[dim] // 2
        product = x.narrow(dim, 0, half) * x.narrow(dim, half, half)
        rest = x.narrow(dim, 2 * half, x.shape[dim] - 2 * half)
        x = torch.cat([product, rest], dim) if rest.shape[dim] else product
    return x if keepdim else x.squeeze(dim)


def _vector_norm(
    x: Tensor, ord: float = 2, dim: object = None, keepdim: bool = False, *, dtype: object = None
) -> Tensor:
    """Sum the powers of what is divided by the largest, whose power cannot overflow."""
    if dtype not in (None, x.dtype) or not 0 < ord < math.inf:
        raise NotImplementedError
    dims = list(range(x.dim())) if dim is None else dim
    size = x.abs()
    largest = torch.clamp(torch.amax(size, dims, True), min=torch.finfo(x.dtype).tiny)
    total = torch.sum(torch.pow(size / largest, ord), dims, True)
    norm = torch.pow(total, 1 / ord) * largest
    return norm if keepdim else norm.reshape(torch.amax(size, dims).shape)


def _atan2(y: Tensor, x: Tensor) -> Tensor:
    """Take the angle of the smaller coordinate by the larger one, and turn it to its octant."""
    across, up = x.abs(), y.abs()
    large = torch.clamp(torch.maximum(across, up), min=torch.finfo(x.dtype).tiny)
    angle = torch.atan(torch.minimum(across, up) / large)
    angle = torch.where(up > across, math.pi / 2 - angle, angle)
    angle = torch.where(x < 0, math.pi - angle, angle)
    return torch.where(y < 0, -angle, angle)


def _bucketize(
    x: Tensor, boundaries: Tensor, *, out_int32: bool = False, right: bool = False
) -> Tensor:
    if boundaries.dim() != 1 or not x.is_floating_point():
        raise NotImplementedError
    each = x.unsqueeze(-1)
    return (boundaries <= each if right else boundaries < each).sum(-1)


def _average_of_volumes(
    x: Tensor,
    kernel_size: Sequence[int],
    stride: Sequence[int] = (),
    padding: Sequence[int] = (0,),
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Tensor:
    """Average over the last two dimensions, then over the one before."""
    if ceil_mode or divisor_override is not None or x.dim() != 5:
        raise NotImplementedError
    if any(padding) and not count_include_pad:
        raise NotImplementedError
    kernel, step, pad = (
        list(option) * 3 if len(option) == 1 else list(option)
        for option in (kernel_size, stride or kernel_size, padding)
    )
    pool = torch.nn.functional.avg_pool2d
    count, channels, depth = x.shape[:3]
    x = pool(x.reshape(count, channels * depth, *x.shape[3:]), kernel[1:], step[1:], pad[1:])
    height, width = x.shape[2:]
    x = x.reshape(count, channels, depth, height * width)
    x = pool(x, (kernel[0], 1), (step[0], 1), (pad[0], 0))
    return x.reshape(count, channels, -1, height, width)


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
    aten.bilinear.default: _bilinear,
    aten.median.default: _median,
    aten.median.dim: _median_along,
    aten.kthvalue.default: _kth,
    aten.div.Tensor_mode: _divide,
    aten.div.Scalar_mode: _divide,
    aten.floor_divide.default: _floor_divide,
    aten.floor_divide.Scalar: _floor_divide,
    aten.remainder.Scalar: _remainder,
    aten.remainder.Tensor: _remainder,
    aten.fmod.Scalar: _fmod,
    aten.fmod.Tensor: _fmod,
    aten.prod.dim_int: _product,
    aten.prod.default: lambda x: _product(x.reshape(-1), 0),
    aten.linalg_vector_norm.default: _vector_norm,
    aten.atan2.default: _atan2,
    aten.special_erfc.default: lambda x: 1 - torch.erf(x),
    aten.erfc.default: lambda x: 1 - torch.erf(x),
    aten.bucketize.Tensor: _bucketize,
    aten.searchsorted.Tensor: lambda sequence, x, **options: _bucketize(x, sequence, **options),
    aten.avg_pool3d.default: _average_of_volumes,
    aten.grid_sampler.default: grid_sampler,
    aten.argsort.default: lambda x, dim=-1, descending=False: _sort(x, dim, descending)[1],
}

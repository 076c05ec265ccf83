"""Reduce over axes, or over all of them if none is given."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from hvit_edge.coreml.operators.registry import operator

Axes = tuple[int, ...]


def _mean(x: Tensor, axes: Axes, keep: bool) -> Tensor:
    return (x if x.dtype.is_floating_point else x.double()).mean(axes, keep)


def _product(x: Tensor, axes: Axes, keep: bool) -> Tensor:
    for axis in sorted(axes, reverse=True):
        x = x.prod(axis, keep)
    return x


def _log_sum_exp(x: Tensor, axes: Axes, keep: bool) -> Tensor:
    return torch.logsumexp(x if x.dtype.is_floating_point else x.double(), axes, keep)


REDUCTIONS: dict[str, Callable[[Tensor, Axes, bool], Tensor]] = {
    "reduce_l1_norm": lambda x, axes, keep: x.abs().sum(axes, keep),
    "reduce_l2_norm": lambda x, axes, keep: x.square().sum(axes, keep).sqrt(),
    "reduce_log_sum": lambda x, axes, keep: x.sum(axes, keep).log(),
    "reduce_log_sum_exp": _log_sum_exp,
    "reduce_max": torch.amax,
    "reduce_mean": _mean,
    "reduce_min": torch.amin,
    "reduce_prod": _product,
    "reduce_sum": lambda x, axes, keep: x.sum(axes, keep),
    "reduce_sum_square": lambda x, axes, keep: x.square().sum(axes, keep),
}


def _register(name: str) -> None:
    @operator(name)
    def reduce(x: Tensor, *, keep_dims: bool, axes: list[int] | None = None) -> Tensor:
        chosen = range(x.ndim) if axes is None else (axis % x.ndim for axis in axes)
        return REDUCTIONS[name](x, tuple(chosen), keep_dims)


for _name in REDUCTIONS:
    _register(_name)


@operator("reduce_argmax")
def reduce_argmax(x: Tensor, *, axis: int, keep_dims: bool, output_dtype: str = "int32") -> Tensor:
    """Return the index of the largest element, the first of equal ones."""
    return _first(x == x.amax(axis, True), axis, keep_dims)


@operator("reduce_argmin")
def reduce_argmin(x: Tensor, *, axis: int, keep_dims: bool, output_dtype: str = "int32") -> Tensor:
    """Return the index of the smallest element, the first of equal ones."""
    return _first(x == x.amin(axis, True), axis, keep_dims)


def _first(found: Tensor, axis: int, keep: bool) -> Tensor:
    return found.to(torch.uint8).argmax(axis, keep)

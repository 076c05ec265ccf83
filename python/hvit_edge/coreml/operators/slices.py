"""Slice tensors."""

from __future__ import annotations

import torch
from torch import Tensor

from hvit_edge.coreml.operators.registry import operator


@operator("slice_by_index")
def slice_by_index(
    x: Tensor,
    *,
    begin: list[int],
    end: list[int],
    stride: list[int] | None = None,
    begin_mask: list[bool] | None = None,
    end_mask: list[bool] | None = None,
    squeeze_mask: list[bool] | None = None,
) -> Tensor:
    """Return x[begin:end:stride] along each axis, as in Python.

    A mask that is true drops begin or end. `squeeze_mask` takes only the element at begin and
    removes the axis.
    """
    unset = [False] * x.ndim
    starts = _masked(begin, begin_mask or unset)
    stops = _masked(end, end_mask or unset)
    squeezed = squeeze_mask or unset
    for axis in reversed(range(x.ndim)):
        if squeezed[axis]:
            x = x.select(axis, starts[axis] or 0)
            continue
        step = stride[axis] if stride is not None else 1
        x = _take(x, axis, slice(starts[axis], stops[axis], step))
    return x


@operator("slice_by_size")
def slice_by_size(x: Tensor, *, begin: list[int], size: list[int]) -> Tensor:
    """Return `size` elements from `begin` along each axis; -1 takes all that follow."""
    for axis, (start, length) in enumerate(zip(begin, size, strict=True)):
        start = start % x.shape[axis] if start < 0 else start
        x = x.narrow(axis, start, x.shape[axis] - start if length == -1 else length)
    return x


def _masked(values: list[int], mask: list[bool]) -> list[int | None]:
    return [None if hidden else value for value, hidden in zip(values, mask, strict=True)]


def _take(x: Tensor, axis: int, part: slice) -> Tensor:
    start, stop, step = part.indices(x.shape[axis])
    if step == 1:
        return x.narrow(axis, start, max(0, stop - start))
    return x.index_select(axis, torch.tensor(range(start, stop, step), dtype=torch.int64))

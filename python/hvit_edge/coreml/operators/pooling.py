"""Compute pools over one to three spatial dimensions."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from hvit_edge.coreml.operators.registry import operator
from hvit_edge.coreml.operators.windows import flat_reversed, paddings


@operator("max_pool")
def max_pool(
    x: Tensor,
    *,
    kernel_sizes: list[int],
    strides: list[int],
    pad_type: str,
    pad: list[int],
    ceil_mode: bool,
) -> Tensor:
    """Return the largest element of each window; padding never wins."""
    pairs, extra = _margins(x, kernel_sizes, strides, pad_type, pad, ceil_mode)
    x = F.pad(x, flat_reversed(_sum_pairs(pairs, extra)), value=-math.inf)
    return _windows(x, kernel_sizes, strides).amax(-1)


@operator("l2_pool")
def l2_pool(
    x: Tensor,
    *,
    kernel_sizes: list[int],
    strides: list[int],
    pad_type: str,
    pad: list[int],
    ceil_mode: bool,
) -> Tensor:
    """Return the root of the sum of squares of each window."""
    pairs, extra = _margins(x, kernel_sizes, strides, pad_type, pad, ceil_mode)
    x = F.pad(x, flat_reversed(_sum_pairs(pairs, extra)))
    return _windows(x.square(), kernel_sizes, strides).sum(-1).sqrt()


@operator("avg_pool")
def avg_pool(
    x: Tensor,
    *,
    kernel_sizes: list[int],
    strides: list[int],
    pad_type: str,
    pad: list[int],
    ceil_mode: bool,
    exclude_padding_from_average: bool,
) -> Tensor:
    """Return the mean of each window; if padding is excluded, only its elements inside x count.

    Elements that ceil_mode adds beyond the padding never count, as in PyTorch.
    """
    pairs, extra = _margins(x, kernel_sizes, strides, pad_type, pad, ceil_mode)
    inside = 0.0 if exclude_padding_from_average else 1.0
    counted = F.pad(torch.ones(1, 1, *x.shape[2:]), flat_reversed(pairs), value=inside)
    counted = F.pad(counted, flat_reversed(extra))
    x = F.pad(x, flat_reversed(_sum_pairs(pairs, extra)))
    counts = _windows(counted, kernel_sizes, strides).sum(-1)
    return _windows(x, kernel_sizes, strides).sum(-1) / counts


Pairs = list[tuple[int, int]]


def _margins(
    x: Tensor,
    kernel: list[int],
    strides: list[int],
    pad_type: str,
    pad: list[int],
    ceil_mode: bool,
) -> tuple[Pairs, Pairs]:
    """Return the padding, and what ceil_mode adds after it so that the last window is complete."""
    sizes = x.shape[2:]
    pairs = paddings(pad_type, sizes, kernel, strides, pad)
    extra = []
    for size, (before, after), reach, stride in zip(sizes, pairs, kernel, strides, strict=True):
        whole = size + before + after
        count = (whole - reach) // stride + 1
        if ceil_mode:
            count = -(-(whole - reach) // stride) + 1
            if before + after > 0 and (count - 1) * stride >= size + before:
                count -= 1
        extra.append((0, max(0, (count - 1) * stride + reach - whole)))
    return pairs, extra


def _sum_pairs(pairs: Pairs, extra: Pairs) -> Pairs:
    return [(before, after + more) for (before, after), (_, more) in zip(pairs, extra, strict=True)]


def _windows(x: Tensor, kernel: list[int], strides: list[int]) -> Tensor:
    """Return the windows as [n, C, outputs ..., elements of a window]."""
    for axis, (size, stride) in enumerate(zip(kernel, strides, strict=True), start=2):
        x = x.unfold(axis, size, stride)
    return x.flatten(-len(kernel))

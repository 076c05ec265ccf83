"""Join and split tensors, and return a classifier's output."""

from __future__ import annotations

import torch
from torch import Tensor

from hvit_edge.coreml.operators.registry import operator


@operator("concat")
def concat(values: list[Tensor], *, axis: int, interleave: bool) -> Tensor:
    """Concatenate along `axis`, one after another or interleaved; scalars become a vector."""
    if values[0].ndim == 0:
        return torch.stack(values)
    if not interleave:
        return torch.cat(values, axis)
    axis = axis % values[0].ndim
    return torch.stack(values, axis + 1).flatten(axis, axis + 1)


@operator("stack")
def stack(values: list[Tensor], *, axis: int) -> Tensor:
    """Stack along a new axis."""
    return torch.stack(values, axis)


@operator("split")
def split(
    x: Tensor,
    *,
    axis: int,
    num_splits: int | None = None,
    split_sizes: list[int] | None = None,
) -> tuple[Tensor, ...]:
    """Split into parts of the given sizes, or into `num_splits` equal ones."""
    if split_sizes is None:
        parts = num_splits or 1
        split_sizes = [x.shape[axis] // parts] * parts
    return x.split(split_sizes, axis)


@operator("classify")
def classify(
    probabilities: Tensor, *, classes: list[str] | list[int]
) -> tuple[str | int, dict[str | int, float]]:
    """Return the label of the largest probability, and the probability of each label."""
    values = probabilities.reshape(-1).tolist()
    return classes[values.index(max(values))], dict(zip(classes, values, strict=True))

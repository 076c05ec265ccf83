"""Take elements by index; negative indices count from the end."""

from __future__ import annotations

import torch
from torch import Tensor

from hvit_edge.coreml.operators.registry import operator


@operator("gather")
def gather(
    x: Tensor,
    indices: Tensor,
    *,
    axis: int,
    batch_dims: int = 0,
    validate_indices: bool = False,
) -> Tensor:
    """Take slices of x along `axis`; the shape is x[:axis] + indices[batch_dims:] +
    x[axis + 1:].
    """
    axis = axis % x.ndim
    if batch_dims == 0:
        taken = x.index_select(axis, wrapped(indices, x.shape[axis]).reshape(-1))
        return taken.reshape([*x.shape[:axis], *indices.shape, *x.shape[axis + 1 :]])
    pairs = zip(x.flatten(0, batch_dims - 1), indices.flatten(0, batch_dims - 1), strict=True)
    rows = [gather(part, places, axis=axis - batch_dims) for part, places in pairs]
    return torch.stack(rows).unflatten(0, x.shape[:batch_dims])


@operator("gather_along_axis")
def gather_along_axis(
    x: Tensor, indices: Tensor, *, axis: int, validate_indices: bool = False
) -> Tensor:
    """Take elements along `axis`; the result has the shape of the indices."""
    return x.gather(axis, wrapped(indices, x.shape[axis]))


@operator("gather_nd")
def gather_nd(
    x: Tensor, indices: Tensor, *, batch_dims: int = 0, validate_indices: bool = False
) -> Tensor:
    """Take slices of x at the places that the last dimension of the indices holds."""
    if batch_dims == 0:
        return x[coordinates(indices, x.shape)]
    pairs = zip(x.flatten(0, batch_dims - 1), indices.flatten(0, batch_dims - 1), strict=True)
    rows = [gather_nd(part, places) for part, places in pairs]
    return torch.stack(rows).unflatten(0, x.shape[:batch_dims])


def wrapped(indices: Tensor, size: int) -> Tensor:
    """Return indices in which negative ones are counted from the end."""
    return torch.where(indices < 0, indices + size, indices)


def coordinates(indices: Tensor, shape: torch.Size) -> tuple[Tensor, ...]:
    """Return the last dimension of the indices as one index tensor for each leading axis."""
    return tuple(wrapped(part, shape[i]) for i, part in enumerate(indices.unbind(-1)))

"""Update elements at indices, one after another, so that repeated indices accumulate."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from hvit_edge.coreml.operators.gathers import coordinates, wrapped
from hvit_edge.coreml.operators.registry import operator

MODES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "update": lambda old, new: new,
    "add": torch.add,
    "sub": torch.sub,
    "mul": torch.mul,
    "div": torch.div,
    "max": torch.maximum,
    "min": torch.minimum,
}


@operator("scatter")
def scatter(
    data: Tensor,
    indices: Tensor,
    updates: Tensor,
    *,
    axis: int,
    mode: str,
    validate_indices: bool = False,
) -> Tensor:
    """Update slices along `axis`; indices [C], and updates like data with size C at the axis."""
    moved, news = data.clone().movedim(axis, 0), updates.movedim(axis, 0)
    for place, new in zip(wrapped(indices, moved.shape[0]), news, strict=True):
        moved[place] = MODES[mode](moved[place], new)
    return moved.movedim(0, axis)


@operator("scatter_along_axis")
def scatter_along_axis(
    data: Tensor,
    indices: Tensor,
    updates: Tensor,
    *,
    axis: int,
    mode: str,
    validate_indices: bool = False,
) -> Tensor:
    """Update elements along `axis`; indices and updates have one shape."""
    result, indices = data.clone(), wrapped(indices, data.shape[axis])
    for i in range(indices.shape[axis]):
        places, news = indices.narrow(axis, i, 1), updates.narrow(axis, i, 1)
        result = result.scatter(axis, places, MODES[mode](result.gather(axis, places), news))
    return result


@operator("scatter_nd")
def scatter_nd(
    data: Tensor,
    indices: Tensor,
    updates: Tensor,
    *,
    mode: str,
    validate_indices: bool = False,
) -> Tensor:
    """Update slices at the places that the last dimension of the indices holds."""
    result, depth = data.clone(), indices.shape[-1]
    news = updates.reshape(-1, *data.shape[depth:])
    for row, new in zip(indices.reshape(-1, depth), news, strict=True):
        place = coordinates(row, data.shape)
        result[place] = MODES[mode](result[place], new)
    return result

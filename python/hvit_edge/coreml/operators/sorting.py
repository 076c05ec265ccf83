"""Evaluate operators that find the largest or smallest elements along an axis."""

from __future__ import annotations

import torch
from torch import Tensor

from hvit_edge.coreml.operators.registry import operator


@operator("topk")
def topk(
    x: Tensor,
    *,
    k: int = 1,
    axis: int = -1,
    ascending: bool = False,
    sort: bool = True,
    return_indices: bool = True,
    output_indices_dtype: str = "int32",
) -> Tensor | tuple[Tensor, Tensor]:
    """Return the first `k` elements in sorted order, and their indices.

    Equal elements are in the order of their places.
    """
    values, places = torch.sort(x, stable=True, dim=axis, descending=not ascending)
    values, places = (part.narrow(axis, 0, k) for part in (values, places.to(torch.int32)))
    return (values, places) if return_indices else values

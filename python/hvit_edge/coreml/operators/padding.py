"""Pad the last dimensions."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from hvit_edge.coreml.operators.registry import operator
from hvit_edge.coreml.operators.windows import flat_reversed


@operator("pad")
def pad(x: Tensor, *, pad: list[int], mode: str, constant_val: float) -> Tensor:
    """Pad before and after each of the last len(pad) / 2 dimensions, as `pad` says in pairs."""
    pairs = list(zip(pad[::2], pad[1::2], strict=True))
    if mode == "constant":
        return F.pad(x, flat_reversed(pairs), value=constant_val)
    for axis, (before, after) in enumerate(pairs, start=x.ndim - len(pairs)):
        size = x.shape[axis]
        places = torch.arange(-before, size + after)
        if mode == "replicate":
            places = places.clamp(0, size - 1)
        else:
            places = places.abs()
            places = torch.where(places < size, places, 2 * (size - 1) - places)
        x = x.index_select(axis, places)
    return x

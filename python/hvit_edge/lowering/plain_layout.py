"""Store tensors in the order of their shape.

Delegates read a layout from strides. A dimension of size one may have any stride, and where the
numbers happen to be those of channels last a constant is read so, although `is_contiguous()` holds:

    bias [1, 1, 49, 49] with strides (1, 1, 49, 1)      strides (2401, 2401, 49, 1)

A module that was moved to `torch.channels_last` has such weights on purpose. The values are those
of before; only the order in memory changes.
"""

from __future__ import annotations

import torch
from torch.fx import GraphModule


def plain(tensor: torch.Tensor) -> torch.Tensor:
    """Return `tensor` with the strides of its shape: itself if it has them, otherwise a copy."""
    if tensor.stride() == plain_strides(tensor.shape):
        return tensor
    return torch.empty(tensor.shape, dtype=tensor.dtype).copy_(tensor)


def plain_strides(shape: torch.Size) -> tuple[int, ...]:
    """Return the strides of a tensor whose elements follow one another, last dimension first."""
    return torch.empty(shape, device="meta").stride()


def store_plainly(graph: GraphModule) -> None:
    """Give every constant of `graph` the strides of its shape; its module's own tensors stay."""
    for node in graph.graph.find_nodes(op="get_attr"):
        owner_name, _, name = str(node.target).rpartition(".")
        owner = graph.get_submodule(owner_name)
        tensor = getattr(owner, name)
        if not isinstance(tensor, torch.Tensor):
            continue
        stored = plain(tensor.detach())
        if stored.stride() != tensor.stride():
            is_parameter = isinstance(tensor, torch.nn.Parameter)
            setattr(owner, name, torch.nn.Parameter(stored, False) if is_parameter else stored)

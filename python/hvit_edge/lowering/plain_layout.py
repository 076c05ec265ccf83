"""Store constants with contiguous strides.

Delegates infer a layout from strides. A dimension of size one may have any stride. If the strides
match channels last, a delegate reads the constant as channels last, even if `is_contiguous()` is
true:

    bias [1, 1, 49, 49] with strides (1, 1, 49, 1)      strides (2401, 2401, 49, 1)

A module that was moved to `torch.channels_last` has such weights on purpose. The values do not
change, only their order in memory does.
"""

from __future__ import annotations

import torch
from torch.fx import GraphModule


def plain(tensor: torch.Tensor) -> torch.Tensor:
    """Return `tensor` itself if its strides are those of its shape, otherwise a copy."""
    if tensor.stride() == plain_strides(tensor.shape):
        return tensor
    return torch.empty(tensor.shape, dtype=tensor.dtype).copy_(tensor)


def plain_strides(shape: torch.Size) -> tuple[int, ...]:
    """Return the strides of a contiguous tensor of `shape`."""
    return torch.empty(shape, device="meta").stride()


def store_plainly(graph: GraphModule) -> None:
    """Give every constant of `graph` contiguous strides.

    A constant with other strides is replaced with a copy; the tensors of the module stay.
    """
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

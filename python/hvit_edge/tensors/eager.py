"""Convert arrays to tensors and back, and run modules in eager PyTorch."""

from __future__ import annotations

import torch
from torch import nn

from hvit_edge.artifact.container import Arrays


def tensors_of(arrays: Arrays) -> tuple[torch.Tensor, ...]:
    """Copy arrays to new tensors."""
    return tuple(torch.tensor(array) for array in arrays)


def arrays_of(tensors: tuple[torch.Tensor, ...]) -> Arrays:
    """Copy the outputs of a module to new contiguous arrays."""
    return tuple(
        tensor.detach().as_subclass(torch.Tensor).clone().contiguous().numpy() for tensor in tensors
    )


def eager_outputs(function: nn.Module, arrays: Arrays) -> Arrays:
    """Run a `TensorModule` or a graph of one in eager PyTorch; it gets copies of the arrays."""
    with torch.no_grad():
        return arrays_of(tuple(function(*tensors_of(arrays))))

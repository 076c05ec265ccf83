"""Initialize parameters, or leave them without values if weights are loaded next."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode, handle_torch_function, has_torch_function_unary


def truncated_normal_(tensor: Tensor) -> Tensor:
    """Fill `tensor` with a truncated normal distribution of deviation 0.02."""
    if has_torch_function_unary(tensor):
        return handle_torch_function(truncated_normal_, (tensor,), tensor=tensor)
    return nn.init.trunc_normal_(tensor, std=0.02)


class Uninitialized(TorchFunctionMode):
    """Leaves the weights of modules that this thread builds in a block without values.

    Only functions that draw random numbers are skipped, which take most of the time. Buffers that
    constructors compute, such as tables of indices, are computed as usual.
    """

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        kwargs = kwargs or {}
        if func in _RANDOM:
            return kwargs["tensor"]
        return func(*args, **kwargs)


class WithoutMemory(Uninitialized):
    """Leaves the weights of modules without values and without memory (device meta).

    Unlike in a block of `torch.device("meta")`, buffers are computed. PyTorch would import its
    compiler to do arithmetic on the meta device.
    """

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        if func is torch.empty:
            return func(*args, **{**(kwargs or {}), "device": "meta"})
        return super().__torch_function__(func, types, args, kwargs)


_RANDOM = (nn.init.uniform_, nn.init.normal_, nn.init.kaiming_uniform_, truncated_normal_)
"""Initializers that PyTorch hands to a mode, with the argument `tensor`."""

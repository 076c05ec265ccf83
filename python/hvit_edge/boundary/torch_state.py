"""Run functions with default settings of PyTorch, and restore the caller's settings after."""

from __future__ import annotations

import functools
import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, TypeVar

import numpy as np
import torch

from hvit_edge.boundary.autocast_blocks import autocast_in_float32
from hvit_edge.boundary.rare_collection import rarely_collected

Function = TypeVar("Function", bound=Callable[..., Any])


def settled(function: Function) -> Function:
    """Decorate a function to run with the default settings of PyTorch.

    The caller's default dtype and device, inference and gradient mode, and autocast would change
    the exported program. They, the number of threads and the states of random generators are
    restored after the call. Blocks of autocast in a module are computed in float32.
    """

    @functools.wraps(function)
    def run(*args: Any, **kwargs: Any) -> Any:
        with rarely_collected(), _kept_generators(), _kept_settings(), _default_settings():
            return function(*args, **kwargs)

    return run  # type: ignore[return-value]


@contextmanager
def _kept_generators() -> Iterator[None]:
    states = torch.get_rng_state(), random.getstate(), np.random.get_state()
    try:
        yield
    finally:
        torch.set_rng_state(states[0])
        random.setstate(states[1])
        np.random.set_state(states[2])


@contextmanager
def _kept_settings() -> Iterator[None]:
    dtype, threads = torch.get_default_dtype(), torch.get_num_threads()
    try:
        yield
    finally:
        if torch.get_default_dtype() != dtype:
            torch.set_default_dtype(dtype)
        if torch.get_num_threads() != threads:
            torch.set_num_threads(threads)


@contextmanager
def _default_settings() -> Iterator[None]:
    with ExitStack() as stack:
        stack.enter_context(torch.inference_mode(False))
        stack.enter_context(torch.enable_grad())
        stack.enter_context(torch.autocast("cpu", enabled=False))
        stack.enter_context(autocast_in_float32())
        if torch.get_default_device().type != "cpu":
            stack.enter_context(torch.device("cpu"))
        if torch.get_default_dtype() != torch.float32:
            torch.set_default_dtype(torch.float32)
        yield

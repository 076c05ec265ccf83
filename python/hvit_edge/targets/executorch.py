"""Run programs in ExecuTorch's own Python runtime."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import nullcontext
from typing import TYPE_CHECKING

import numpy as np
import torch

from hvit_edge.artifact.container import Arrays
from hvit_edge.artifact.methods import FIRST_ENTRY
from hvit_edge.boundary.quiet import quiet_stderr

if TYPE_CHECKING:
    from executorch.runtime import Runtime

BINDINGS = "executorch.extension.pybindings.portable_lib"


def executorch_runtime() -> Runtime:
    """Return ExecuTorch's Python runtime.

    It writes about the CPU to stderr when it is first imported; that output is hidden.
    """
    with nullcontext() if BINDINGS in sys.modules else quiet_stderr():
        from executorch.runtime import Runtime

        return Runtime.get()


def executorch_run(program: bytes, method: str = FIRST_ENTRY) -> Callable[[Arrays], Arrays]:
    """Return a function that runs a method of a program, which gets copies of the arrays."""
    with quiet_stderr():  # its thread pool describes the CPU; failures are raised
        loaded = executorch_runtime().load_program(program)
        entry = loaded.load_method(method)

    def run(arrays: Arrays, keep_alive: object = loaded) -> Arrays:
        results = entry.execute([torch.tensor(array) for array in arrays])
        return tuple(result.clone().contiguous().numpy() for result in results)

    return run


def executorch_step(
    program: bytes, method: str = FIRST_ENTRY
) -> Callable[[np.ndarray], np.ndarray]:
    """Return a function that runs a method of one input and one output."""
    run = executorch_run(program, method)
    return lambda array: run((array,))[0]

"""Let ExecuTorch know the shapes of what a delegate returns without running its graph.

When a program is serialized, each pass traces it. To learn the shapes of a delegate's results, a
trace runs all operators that the delegate replaced, with tensors that have no data. The results are
recorded in that graph already. This takes most of the time of serializing.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch.export import ExportedProgram


def recorded(original: property) -> property:
    """Return `LoweredBackendModule.original_module`, but with results that are known."""

    def program(self: object) -> _Recorded:
        assert original.fget is not None
        return _Recorded(original.fget(self))

    return property(program)


class _Recorded:
    """Stands for the program that a delegate replaced; its module returns recorded results."""

    def __init__(self, program: ExportedProgram) -> None:
        self._program = program

    def __getattr__(self, name: str) -> object:
        return getattr(self._program, name)

    def module(self) -> Callable[..., tuple[torch.Tensor, ...]]:
        (results,) = self._program.graph.output_node().args
        values = [node.meta["val"] for node in results]
        return lambda *inputs: tuple(
            torch.empty_strided(value.shape, value.stride(), dtype=value.dtype) for value in values
        )

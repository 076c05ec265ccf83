"""Write the Python code of a graph only if something runs or prints it.

`torch.export`, each rewrite and each pass of ExecuTorch make graph modules, and torch.fx writes,
compiles and annotates a function for each of them. Nearly all of these functions are never called,
because the next step reads the nodes. They take a tenth of the time of exporting, and a fifth of
the time of lowering.
"""

from __future__ import annotations

from collections.abc import Callable

from torch.fx import GraphModule
from torch.fx.graph import _PyTreeCodeGen

_recompile = GraphModule.recompile


class Code:
    """Computes the code of a graph module when it is read; an instance's code hides it."""

    def __get__(self, module: GraphModule | None, owner: type) -> object:
        if module is None:
            return self
        _recompile(module)
        return module.__dict__["_code"]


def printing_texts(print_readable: Callable[..., str]) -> Callable[..., str]:
    """Return `GraphModule.print_readable`, but without the texts that are not printed."""

    def readable(
        self: GraphModule, print_output: bool = True, *args: object, **options: object
    ) -> str:
        return print_readable(self, print_output, *args, **options) if print_output else ""

    return readable


def recompile_later(self: GraphModule) -> None:
    """Drop the code of a graph module; the first call makes it again."""
    if isinstance(self._graph._codegen, _PyTreeCodeGen):
        info = self._graph._codegen.pytree_info
        self._in_spec, self._out_spec = info.in_spec, info.out_spec
    self.__dict__.pop("_code", None)
    type(self).forward = _compiled_forward


def _compiled_forward(self: GraphModule, *args: object, **options: object) -> object:
    _recompile(self)
    return self(*args, **options)

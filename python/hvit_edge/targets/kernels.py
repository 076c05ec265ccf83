"""Check that the runtime has a kernel for each operator outside a delegate; a few have none."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from contextlib import nullcontext
from typing import TYPE_CHECKING

from executorch.exir.schema import Operator

from hvit_edge.boundary.quiet import quiet_stderr
from hvit_edge.errors import LoweringError

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


def check_kernels(operators: Iterable[Operator], modules: dict[str, str]) -> None:
    """Refuse a program that the runtime could not load.

    Args:
        operators: the operators that the program calls outside its delegates.
        modules: the path of the module that uses an operator, by the operator's name without
            overload, such as `aten::sort`.

    Raises:
        LoweringError: the runtime has no kernel for an operator; all such operators are named.
    """
    kernels = executorch_runtime().operator_registry.operator_names
    missing = [o.name for o in operators if f"{o.name}.{o.overload}".rstrip(".") not in kernels]
    if missing:
        listed = ", ".join(_place(name, modules.get(name)) for name in dict.fromkeys(missing))
        raise LoweringError(
            f"[targets] expected operators that the delegate or the runtime has, got {listed};"
            " replace them in the module by operators that compute the same"
        )


def _place(name: str, module: str | None) -> str:
    if module is None:
        return name
    return f"{name} in {module or 'the root module'}"

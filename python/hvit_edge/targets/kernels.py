"""Operators that stay outside a delegate need a kernel of the runtime; a few have none."""

from __future__ import annotations

from collections.abc import Iterable

from executorch.exir.schema import Operator

from hvit_edge.errors import LoweringError


def check_kernels(operators: Iterable[Operator], modules: dict[str, str]) -> None:
    """Refuse a program that the runtime could not load.

    Args:
        operators: those that the program calls outside its delegates.
        modules: by name without overload, such as `aten::sort`, where the model uses the operator.

    Raises:
        LoweringError: the runtime has no kernel for an operator; every one is named.
    """
    from executorch.runtime import Runtime

    kernels = Runtime.get().operator_registry.operator_names
    missing = [o.name for o in operators if f"{o.name}.{o.overload}".rstrip(".") not in kernels]
    if missing:
        listed = ", ".join(_place(name, modules.get(name)) for name in dict.fromkeys(missing))
        raise LoweringError(
            f"[targets] expected operators that the delegate or the runtime has, got {listed};"
            " replace them in the module by others that compute the same"
        )


def _place(name: str, module: str | None) -> str:
    if module is None:
        return name
    return f"{name} in {module or 'the root module'}"

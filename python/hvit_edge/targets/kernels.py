"""Check that the runtime has a kernel for each operator outside a delegate; a few have none."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from executorch.exir.schema import Operator

from hvit_edge.errors import LoweringError
from hvit_edge.targets.executorch import executorch_runtime

FOURIER = (
    "; Fourier transforms of at most 512 elements per dimension become products with matrices of"
    " cosines and sines"
)
REMEDY = "replace them in the module by operators that compute the same"


@dataclass(frozen=True)
class Place:
    """Says where a model uses an operator.

    Attributes:
        module: the module's dotted path; empty for the root, None if it is not known.
        line: the line of the user's code; empty if it is not known.
    """

    module: str | None
    line: str


def has_kernel(operator: str) -> bool:
    """Tell if the runtime has a kernel for any overload of an operator, such as `aten::sort`."""
    kernels = executorch_runtime().operator_registry.operator_names
    return any(name.split(".")[0] == operator for name in kernels)


def check_kernels(operators: Iterable[Operator], places: Mapping[str, Place]) -> None:
    """Refuse a program that the runtime could not load.

    Args:
        operators: the operators that the program calls outside its delegates.
        places: the place where the model uses an operator, by the operator's name without
            overload, such as `aten::sort`.

    Raises:
        LoweringError: the runtime has no kernel for an operator; all such operators are named.
    """
    kernels = executorch_runtime().operator_registry.operator_names
    missing = [o.name for o in operators if f"{o.name}.{o.overload}".rstrip(".") not in kernels]
    if not missing:
        return
    names = list(dict.fromkeys(missing))
    listed = ", ".join(_described(name, places.get(name)) for name in names)
    lines = [f"\n  {name} at {places[name].line}" for name in names if _has_line(name, places)]
    raise LoweringError(
        f"[targets] expected operators that the delegate or the runtime has, got {listed};"
        f" {REMEDY}{FOURIER if any('_fft_' in name for name in names) else ''}{''.join(lines)}"
    )


def _has_line(name: str, places: Mapping[str, Place]) -> bool:
    return name in places and bool(places[name].line)


def _described(name: str, place: Place | None) -> str:
    if place is None or place.module is None:
        return name
    return f"{name} in {place.module or 'the root module'}"

"""Register the function that computes each MIL operator.

A function's parameters are the operator's inputs by name: those before the star are tensors, those
after it plain Python values (lists, numbers, strings, bools). If an opset changed an operator's
meaning, a second function is registered with the first opset that it holds for. A parameter has a
default only if it is that of coremltools, because programs are read without it.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

IOS15 = 0
IOS17 = 8
IOS18 = 9


@dataclass(frozen=True)
class Kernel:
    """Holds a function with the names of its tensor parameters and of its value parameters."""

    function: Callable[..., Any]
    tensors: frozenset[str]
    values: frozenset[str]
    required: frozenset[str]

    def faults(self, given: set[str]) -> list[str]:
        """Return the faults that keep the function from accepting inputs of these names."""
        unknown = sorted(given - self.tensors - self.values)
        missing = sorted(self.required - given)
        return [f"unknown input {name}" for name in unknown] + [
            f"missing input {name}" for name in missing
        ]


_kernels: dict[str, dict[int, Kernel]] = {}


def operator(*names: str, since: int = IOS15) -> Callable[[Callable], Callable]:
    """Register a function for the operators `names` from the opset `since` on.

    Raises:
        ValueError: the same operator and opset have a function already.
    """

    def register(function: Callable) -> Callable:
        for name in names:
            variants = _kernels.setdefault(name, {})
            if since in variants:
                raise ValueError(f"[operator] {name} is already registered for opset {since}")
            variants[since] = _kernel(function)
        return function

    return register


def find_kernel(name: str, opset: int) -> Kernel | None:
    """Return the function for operator `name` in opset number `opset`, or None if it is unknown."""
    variants = _kernels.get(name, {})
    usable = [since for since in variants if since <= opset]
    return variants[max(usable)] if usable else None


def operator_names() -> tuple[str, ...]:
    """Return every operator that can be evaluated."""
    return tuple(sorted(_kernels))


def _kernel(function: Callable) -> Kernel:
    parameters = inspect.signature(function).parameters.values()
    return Kernel(
        function,
        tensors=frozenset(p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD),
        values=frozenset(p.name for p in parameters if p.kind is p.KEYWORD_ONLY),
        required=frozenset(p.name for p in parameters if p.default is p.empty),
    )

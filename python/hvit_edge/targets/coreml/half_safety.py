"""Find the operators of a program that must stay in float32, by running it on photos.

float16 ends at 65504, and it loses precision below 6e-5. Core ML converts every operator without a
warning. A value that overflows becomes infinite, or wrong if a unit saturates. This module runs the
program in float32 and checks what every operator reads and writes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from hvit_edge.coreml import Program

LARGEST = 65504.0
HEADROOM = 0.5  # the share of `LARGEST` that values may reach: other photos have larger ones
LOSS = 1e-2  # the largest relative error (Euclidean) that rounding a tensor may cause
SQUARING = ("layer_norm", "l2_norm", "instance_norm", "reduce_sum_square")
SUMMING = ("reduce_l2_norm", "reduce_sum_square")
"""The operators that add squares: the sum must fit into float16 and small squares must
not vanish.
"""

SENSITIVE = ("log", "rsqrt", "sqrt", "real_div", "inverse", "pow")
"""The operators that make something large of small numbers."""

SHIFT = 5e-2
"""The largest relative change of a softmax that rounding its scores may cause."""


def unsafe_in_float16(program: Any, inputs: Sequence[dict[str, np.ndarray]]) -> dict[str, str]:
    """Return the operators of a MIL program that float16 would break, each with the reason.

    Args:
        program: the program in float32, before conversion.
        inputs: the arguments of `Program.run`, one for each photo.
    """
    reasons: dict[str, str] = {}
    largest: dict[int, float] = {}
    summed: dict[int, torch.Tensor] = {}
    lost: set[int] = set()

    def watch(operation: Any, results: list[Any]) -> None:
        tops = [float(r.abs().max()) if _is_float(r) else 0.0 for r in results]
        for variable, top in zip(operation.outputs, tops, strict=True):
            largest[id(variable)] = max(top, largest.get(id(variable), 0.0))
        for variable, result in zip(operation.outputs, results, strict=True):
            if any(reader.op_type in (*SUMMING, "softmax") for reader in variable.child_ops):
                summed[id(variable)] = result
        faults = [_fault(result, top) for result, top in zip(results, tops, strict=True)]
        lost.update(id(v) for v, f in zip(operation.outputs, faults, strict=True) if _is_loss(f))
        fault = next(filter(None, faults), None) or _read(operation, largest)
        fault = fault or _summed(operation, summed) or _small(operation, lost)
        if fault and operation.name not in reasons:
            reasons[operation.name] = fault
        shares = _shares(operation, summed)
        if shares is not None:
            reasons.update((name, shares) for name in _before(operation) - reasons.keys())

    evaluated = Program.from_mil(program)
    for arrays in inputs:
        evaluated.run(arrays, watch=watch)
    return reasons


def _fault(value: Any, top: float) -> str | None:
    """Return the fault that a result has in float16, or None; `top` is its largest
    absolute value.
    """
    if not _is_float(value):
        return None
    if not top <= HEADROOM * LARGEST:
        return f"writes values up to {top:.3g}"
    norm = float(value.norm())
    lost = float((value - value.half().float()).norm())
    if norm > 0 and lost > LOSS * norm:
        return f"loses {lost / norm:.1%} of its result to rounding"
    return None


def _shares(operation: Any, scores: dict[int, torch.Tensor]) -> str | None:
    """Return the fault of a softmax whose result changes if its scores are rounded, or None.

    The scores are removed from `scores`.
    """
    if operation.op_type != "softmax" or id(operation.x) not in scores:
        return None
    values = scores.pop(id(operation.x))
    axis = int(operation.axis.val)
    shares = values.softmax(axis)
    lost = float((shares - values.half().float().softmax(axis)).norm() / shares.norm())
    if not lost > SHIFT:
        return None
    top = float(values.abs().max())
    return f"leads to a softmax that rounding scores up to {top:.3g} changes by {lost:.1%}"


def _before(operation: Any) -> set[str]:
    """Return the operator and all operators before it, because large scores show each rounding."""
    names, frontier = set(), [operation]
    while frontier:
        current = frontier.pop()
        if current is None or current.op_type == "const" or current.name in names:
            continue
        names.add(current.name)
        for given in current.inputs.values():
            parts = given if isinstance(given, (list, tuple)) else [given]
            frontier += [part.op for part in parts]
    return names


def _is_loss(fault: str | None) -> bool:
    return fault is not None and fault.startswith("loses")


def _small(operation: Any, lost: set[int]) -> str | None:
    """Return the fault of an operator that makes large numbers of small, rounded ones, or None."""
    if operation.op_type in SENSITIVE and any(id(v) in lost for v in operation.inputs.values()):
        return "reads numbers that rounding would lose"
    return None


def _is_float(value: Any) -> bool:
    return isinstance(value, torch.Tensor) and value.is_floating_point()


def _read(operation: Any, largest: dict[int, float]) -> str | None:
    """Return the fault of what an operator reads and of its squares, or None.

    The largest values of constants are added to `largest`, so that they are computed once.
    """
    for given in operation.inputs.values():
        for variable in given if isinstance(given, (list, tuple)) else [given]:
            if id(variable) not in largest:
                largest[id(variable)] = _constant(variable)
            top = largest[id(variable)]
            if not top <= HEADROOM * LARGEST:
                return f"reads values up to {top:.3g}"
            if operation.op_type in SQUARING and top**2 > LARGEST:
                return f"squares values up to {top:.3g}"
    return None


def _summed(operation: Any, summed: dict[int, torch.Tensor]) -> str | None:
    """Return the fault of the squares that an operator adds, or None."""
    if operation.op_type not in SUMMING or id(operation.x) not in summed:
        return None
    squares = summed[id(operation.x)].double().square()
    axes = tuple(range(squares.dim())) if operation.axes is None else tuple(operation.axes.val)
    total = squares.sum(axes)
    top, norm = float(total.max()), float(total.norm())
    if not top <= HEADROOM * LARGEST:
        return f"sums squares up to {top:.3g}"
    lost = float((total - squares.half().double().sum(axes)).norm())
    return f"loses {lost / norm:.1%} of its squares to rounding" if lost > LOSS * norm else None


def _constant(variable: Any) -> float:
    value = getattr(variable, "val", None)
    is_number = isinstance(value, (np.ndarray, np.floating)) and np.issubdtype(
        np.asarray(value).dtype, np.floating
    )
    return float(np.abs(value).max()) if is_number and np.size(value) else 0.0

"""What becomes of a program whose optimized lowering fails: the stock one, with a reason.

attempt(all rewrites) fails -> attempt(no rewrites, ExecuTorch as it comes) -> a program, a reason
fails as well                                -> the first error
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import TypeVar

from hvit_edge.compiler.gate import Gate
from hvit_edge.errors import DelegationError, InputError, ParityError
from hvit_edge.lowering import Rewrite

T = TypeVar("T")
Attempt = Callable[[Sequence[Rewrite], bool], T]
BEFORE_LOWERING = ("exported", "quantised")
"""Steps whose gate no other lowering passes."""


def with_fallback(gate: Gate, attempt: Attempt, passes: Sequence[Rewrite]) -> T:
    """Return what `attempt` makes, with `passes` or, if that fails, without any.

    Args:
        gate: of the compilation. It then has the results of the attempt that was made last, and in
            `fallback` why that was the second.
        attempt: makes a program of `passes`; its second argument says whether ExecuTorch shall
            lower as it comes, without patches of ours.
        passes: rewrites of the first attempt.

    Raises:
        HvitEdgeError: of the first attempt, if the second fails too, or no other lowering helps.
    """
    kept = list(gate.results)
    try:
        return attempt(passes, False)
    except (InputError, DelegationError, MemoryError):
        raise
    except Exception as error:
        if isinstance(error, ParityError) and gate.results[-1].name in BEFORE_LOWERING:
            raise
        first = error
    gate.results[:] = kept
    gate.fallback = reason_of(first)
    try:
        made = attempt((), True)
    except Exception:  # the module itself is at fault, or it is not only the lowering
        raise first from None
    warnings.warn(
        f"[compile] {gate.subject.origin.name} is lowered as ExecuTorch does it, without our"
        f" rewrites, which failed: {gate.fallback}; report it with the model",
        stacklevel=2,
    )
    return made


def reason_of(error: Exception) -> str:
    """Return an error as one line."""
    return f"{type(error).__name__}: {first_line_of(str(error))}".removesuffix(": ")


def first_line_of(reason: str) -> str:
    """Return the first line of a message, nothing of an empty one."""
    return next(iter(reason.strip().splitlines()), "")

"""Fall back to the lowering of stock ExecuTorch if the optimized one fails, and record the reason.

attempt(all rewrites) fails -> attempt(no rewrites, stock ExecuTorch) -> a program and a reason
this fails as well          -> the first error
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import TypeVar

from hvit_edge.compiler.gate import Gate
from hvit_edge.errors import DelegationError, InputError, ParityError, first_line
from hvit_edge.lowering import Rewrite

T = TypeVar("T")
BEFORE_LOWERING = ("exported", "quantised")
"""Steps before lowering; if their gate fails, another lowering does not help."""


def with_fallback(
    gate: Gate, attempt: Callable[[Sequence[Rewrite], bool], T], passes: Sequence[Rewrite]
) -> T:
    """Return the program of `attempt` with `passes` or, if that fails, without any.

    Args:
        gate: gate of the compilation. Afterwards it has the results of the last attempt, and
            `fallback` has the reason for a second one.
        attempt: makes a program with rewrites. If its second argument is True, ExecuTorch lowers
            without our patches.
        passes: rewrites of the first attempt.

    Raises:
        HvitEdgeError: the error of the first attempt, if the second fails too, or if another
            lowering cannot help.
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
    gate.fallback = first_line(first, limit=None)
    try:
        made = attempt((), True)
    except Exception:  # the cause is the module, or not only our lowering
        raise first from None
    warnings.warn(
        f"[compile] {gate.subject.origin.name} is lowered by stock ExecuTorch, without our"
        f" rewrites, which failed: {gate.fallback}; report it with the model",
        stacklevel=2,
    )
    return made

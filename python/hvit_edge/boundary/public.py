"""The border of the public functions: what was not foreseen leaves as one error of this package."""

from __future__ import annotations

import functools
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any, TypeVar

from hvit_edge.boundary.quiet import quiet
from hvit_edge.errors import HvitEdgeError, InternalError, MissingPackageError

Function = TypeVar("Function", bound=Callable[..., Any])
Class = TypeVar("Class", bound=type)

_DECORATORS = frozenset(
    str(Path(__file__).with_name(name)) for name in ("public.py", "torch_state.py")
)
COMPILE_PACKAGES = frozenset({"coremltools", "torch", "safetensors", "huggingface_hub"})
"""What `pip install 'hvit-edge[compile]'` brings."""


def public(name: str, *, libraries: bool = True) -> Callable[[Function], Function]:
    """Make a function public under `name`: decorate it.

    Errors of this package, interrupts and `MemoryError` pass as they are, and so does the
    `TypeError` of a call with wrong arguments. Any other exception becomes an `InternalError` that
    names the function and is raised from the exception.

    Args:
        name: of the function, for messages.
        libraries: it uses PyTorch, ExecuTorch or coremltools, whose warnings and logs are dropped
            meanwhile, see `quiet`.
    """
    around = quiet if libraries else nullcontext

    def decorate(function: Function) -> Function:
        @functools.wraps(function)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            with around():
                try:
                    return function(*args, **kwargs)
                except (HvitEdgeError, MemoryError):
                    raise
                except Exception as error:
                    if isinstance(error, TypeError) and _never_ran(error):
                        raise
                    raise unforeseen(name, error) from error

        return guarded  # type: ignore[return-value]

    return decorate


def public_methods(*names: str) -> Callable[[Class], Class]:
    """Make methods of a class public that use no libraries, as `public` does with a function."""

    def decorate(cls: Class) -> Class:
        for name in names:
            label = cls.__name__ if name.startswith("__") else f"{cls.__name__}.{name}"
            setattr(cls, name, public(label, libraries=False)(vars(cls)[name]))
        return cls

    return decorate


def _never_ran(error: TypeError) -> bool:
    """Whether a call failed on its arguments: no frame is deeper than those of decorators."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return trace is not None and trace.tb_frame.f_code.co_filename in _DECORATORS


def unforeseen(name: str, error: Exception) -> HvitEdgeError:
    """Return the error of this package for one that `name` did not foresee."""
    package = (getattr(error, "name", None) or "").split(".")[0]
    if isinstance(error, ModuleNotFoundError) and package in COMPILE_PACKAGES:
        return MissingPackageError(
            f"[{name}] expected the Python package {package}, which is not installed;"
            " pip install 'hvit-edge[compile]'",
            name=package,
        )
    first = next((line for line in str(error).splitlines() if line.strip()), "")
    return InternalError(
        f"[{name}] expected no failure of hvit-edge's own, got {type(error).__name__}:"
        f" {first.strip()[:200]}; report it with the traceback to hvit-edge's issue tracker"
    )

"""Turn unexpected exceptions of public functions into one error of this package."""

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
COMPILE_PACKAGES = frozenset(
    {"coremltools", "executorch", "torch", "safetensors", "huggingface_hub"}
)
"""Packages that `pip install 'hvit-edge[compile]'` installs."""


def public(name: str, *, libraries: bool = True) -> Callable[[Function], Function]:
    """Return a decorator that makes a function public under `name`.

    Errors of this package, interrupts, `MemoryError` and the `TypeError` of a call with wrong
    arguments are not changed. Any other exception becomes an `InternalError` that names the
    function, and is raised from the exception.

    Args:
        name: name of the function in messages.
        libraries: True if it uses PyTorch, ExecuTorch or coremltools. Their warnings and logs are
            dropped during the call, see `quiet`.
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
    """Return a class decorator that makes methods public, as `public` does without libraries."""

    def decorate(cls: Class) -> Class:
        for name in names:
            label = cls.__name__ if name.startswith("__") else f"{cls.__name__}.{name}"
            setattr(cls, name, public(label, libraries=False)(vars(cls)[name]))
        return cls

    return decorate


def _never_ran(error: TypeError) -> bool:
    """Return True if a call failed on its arguments, so the last frame is one of a decorator."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return trace is not None and trace.tb_frame.f_code.co_filename in _DECORATORS


def unforeseen(name: str, error: Exception) -> HvitEdgeError:
    """Return the error of this package for an exception that `name` does not handle."""
    package = (getattr(error, "name", None) or "").split(".")[0]
    if isinstance(error, ModuleNotFoundError) and package in COMPILE_PACKAGES:
        return MissingPackageError(
            f"[{name}] expected the Python package {package}, which is not installed;"
            " pip install 'hvit-edge[compile]'",
            name=package,
        )
    first = next((line for line in str(error).splitlines() if line.strip()), "")
    return InternalError(
        f"[{name}] expected no internal failure of hvit-edge, got {type(error).__name__}:"
        f" {first.strip()[:200]}; report it with the traceback to hvit-edge's issue tracker"
    )

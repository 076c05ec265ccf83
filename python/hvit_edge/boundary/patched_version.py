"""Say which versions of other libraries are patched, and what happens with any other version.

Each package has its patches in its `patches.py`. A patch is one of two kinds:

- optional: programs give the same answers without it. It makes compiling or a program faster, or
  records what is in a program. For another version it is left out, and one notice says so.
- required: answers would be wrong without it. For another version it is refused.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import ParamSpec

from hvit_edge.errors import LoweringError

Arguments = ParamSpec("Arguments")

_noticed: set[str] = set()


@dataclass(frozen=True)
class Patched:
    """Names a library and the only version of it that our patches were written for."""

    package: str
    version: str

    def matches(self) -> bool:
        """Return True if this version is installed."""
        return installed(self.package) == self.version

    def check(self) -> None:
        """Check that this version is installed.

        Another version may call the replaced functions in another way, and would then do without
        notice what the patch prevents.

        Raises:
            LoweringError: another version is installed.
        """
        if not self.matches():
            raise LoweringError(
                f"[patches] expected {self.package} {self.version}, of which hvit-edge replaces"
                f" functions to get right answers, got {installed(self.package)}; {self.remedy()}"
            )

    def remedy(self) -> str:
        """Return the command that installs this version."""
        return f"pip install {self.package}=={self.version}"


TORCH = Patched("torch", "2.13.0")
EXECUTORCH = Patched("executorch", "1.5.1")
COREMLTOOLS = Patched("coremltools", "9.0")


@functools.cache
def installed(package: str) -> str:
    """Return the installed version of a package without its build, `+cpu`; empty if none is."""
    try:
        return version(package).partition("+")[0]
    except PackageNotFoundError:
        return ""


def optional(
    library: Patched,
) -> Callable[
    [Callable[Arguments, AbstractContextManager[None]]],
    Callable[Arguments, AbstractContextManager[None]],
]:
    """Decorate a patch that is left out, with one notice, for another version of `library`."""

    def decorate(
        patch: Callable[Arguments, AbstractContextManager[None]],
    ) -> Callable[Arguments, AbstractContextManager[None]]:
        @functools.wraps(patch)
        def chosen(
            *args: Arguments.args, **kwargs: Arguments.kwargs
        ) -> AbstractContextManager[None]:
            if library.matches():
                return patch(*args, **kwargs)
            _notice(library)
            return nullcontext()

        return chosen

    return decorate


def required(
    library: Patched,
) -> Callable[
    [Callable[Arguments, AbstractContextManager[None]]],
    Callable[Arguments, AbstractContextManager[None]],
]:
    """Decorate a patch that is refused for another version of `library`, see `Patched.check`."""

    def decorate(
        patch: Callable[Arguments, AbstractContextManager[None]],
    ) -> Callable[Arguments, AbstractContextManager[None]]:
        @functools.wraps(patch)
        def checked(
            *args: Arguments.args, **kwargs: Arguments.kwargs
        ) -> AbstractContextManager[None]:
            library.check()
            return patch(*args, **kwargs)

        return checked

    return decorate


def _notice(library: Patched) -> None:
    """Say once in a process that the optional patches of a library are left out."""
    found = installed(library.package)
    if not found or library.package in _noticed:
        return
    _noticed.add(library.package)
    warnings.warn(
        f"[patches] expected {library.package} {library.version}, of which hvit-edge replaces"
        f" functions, got {found}; they are left as they are: programs give the same answers, but"
        " compiling takes longer, and programs may be slower and described in less detail;"
        f" {library.remedy()}",
        stacklevel=3,
    )

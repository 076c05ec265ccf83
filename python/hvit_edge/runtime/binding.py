"""Choose the binding to the C++ runtime: the full one, or the small one without ExecuTorch.

`hvit_edge._runtime` is linked with the libraries of ExecuTorch's wheel, and runs every artifact.
`hvit_edge._runtime_small` needs no other library, and runs artifacts for the native target with
nothing outside the delegate. Both have the same functions and classes.
"""

from __future__ import annotations

import importlib.metadata
import os
from dataclasses import dataclass
from importlib import import_module
from types import ModuleType
from typing import Literal

from hvit_edge.errors import InputError, MissingPackageError, first_line

EXECUTORCH = "1.5.1"
"""The version of ExecuTorch that the full binding is built with."""
FULL, SMALL = "full", "small"
VARIABLE = "HVIT_EDGE_RUNTIME"
"""The environment variable that names the binding to use, "full" or "small"."""
EXTRA = "pip install 'hvit-edge[executorch]'"
_MODULES = {FULL: "hvit_edge._runtime", SMALL: "hvit_edge._runtime_small"}


@dataclass(frozen=True)
class Binding:
    """Holds the binding that this process uses.

    Attributes:
        module: the extension module.
        kind: "full" or "small".
        reason: why it is this one, as a sentence.
    """

    module: ModuleType
    kind: Literal["full", "small"]
    reason: str


def load_binding() -> Binding:
    """Load the binding that the environment variable names, or else the full one if it loads.

    Raises:
        InputError: the variable has another value.
        MissingPackageError: the named binding, or neither, loads.
    """
    named = os.environ.get(VARIABLE, "")
    if named:
        if named not in _MODULES:
            raise InputError(
                f"[{VARIABLE}] expected full or small, got {named!r}; change or unset it"
            )
        return _load_named(named)
    version = installed_executorch()
    if version not in (None, EXECUTORCH):
        return _load_small(
            f"ExecuTorch {version} is installed, and the full one needs {EXECUTORCH}"
        )
    try:
        return Binding(import_module(_MODULES[FULL]), FULL, "it loads")
    except ImportError as error:
        if version is None:
            return _load_small("ExecuTorch is not installed")
        return _load_small(f"the full one does not load ({first_line(error)})")


def installed_executorch() -> str | None:
    """Return the version of ExecuTorch without a local part such as "+cpu", or None."""
    try:
        return importlib.metadata.version("executorch").split("+")[0]
    except importlib.metadata.PackageNotFoundError:
        return None


def _load_named(kind: str) -> Binding:
    try:
        return Binding(import_module(_MODULES[kind]), kind, f"{VARIABLE} names it")
    except ImportError as error:
        raise MissingPackageError(
            f"[{VARIABLE}] expected the {kind} runtime to load, got {first_line(error)}; unset it,"
            f" or {EXTRA}",
            name="executorch",
        ) from error


def _load_small(reason: str) -> Binding:
    try:
        return Binding(import_module(_MODULES[SMALL]), SMALL, reason)
    except ImportError as error:
        raise MissingPackageError(
            f"[runtime] expected a C++ runtime that loads, got none: {reason}, and the small one"
            f" does not load ({first_line(error)}); {EXTRA}",
            name="executorch",
        ) from error


BINDING = load_binding()
cpp = BINDING.module
"""The extension module; use it as `cpp.Session`."""

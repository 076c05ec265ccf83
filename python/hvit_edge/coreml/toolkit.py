"""Import coremltools, which only the Core ML parts of hvit-edge need."""

from __future__ import annotations

import importlib
from types import ModuleType

from hvit_edge.coreml.patches import light_import
from hvit_edge.errors import InputError


def toolkit(module: str = "coremltools") -> ModuleType:
    """Return the module of that name, imported at its first use.

    Raises:
        InputError: coremltools is not installed.
    """
    try:
        with light_import():
            return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] != "coremltools":
            raise
        raise missing_toolkit() from error


def missing_toolkit() -> InputError:
    """Return the error for a coremltools that is not installed."""
    return InputError(
        "[coreml] expected the Python package coremltools, which is not installed;"
        " pip install 'hvit-edge[compile]'"
    )

"""Make modules that take the place of others while a library is imported, see `patches`."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from types import ModuleType
from typing import Any


class Later(ModuleType):
    """Stands for a module that is imported when something of it is used."""

    def __getattr__(self, name: str) -> object:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(importlib.import_module(self.__name__), name)


def with_functions(name: str, *functions: str) -> ModuleType:
    """Return a stand-in for the module `name` that has some of its functions.

    The module is imported when one of them is called.
    """
    module = ModuleType(name)
    for function in functions:
        setattr(module, function, _called_later(name, function))
    return module


def _called_later(name: str, function: str) -> Callable[..., Any]:
    def call(*args: Any, **kwargs: Any) -> Any:
        return getattr(importlib.import_module(name), function)(*args, **kwargs)

    return call

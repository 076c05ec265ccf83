"""Compute a digest of all that the exported graph of a module depends on, if that is certain.

`torch.export` runs the code of a module, which may read anything. Here it is known what it reads:
all classes and functions are those of PyTorch, timm and hvit-edge, and no attribute is an object of
another package. A module with any other code has no digest. The versions of PyTorch and hvit-edge
are in every key; the sources of timm, which may be a checkout, are in the digest if it is used.

    digest = classes + attributes + parameters and buffers, and which of them are shared
"""

from __future__ import annotations

import dataclasses
import enum
import functools
import hashlib
import inspect
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from torch import nn

from hvit_edge.cache.entry import tensor_bytes
from hvit_edge.cache.versions import sources_digest

TRUSTED = frozenset({"torch", "timm", "hvit_edge"})
"""Packages whose code depends only on their version."""
NO_CODE = frozenset({"hvit_edge", "pretrained_cfg", "default_cfg"})
"""Attributes that describe a module and that `forward` does not read."""
_HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
_IGNORED = frozenset(vars(nn.Module())) - {"training", "_non_persistent_buffers_set"}


class _Unknown(Exception):
    """Raised for an object whose effect on the graph is not certain."""


def module_digest(module: nn.Module) -> str | None:
    """Return a SHA-256 digest as hex digits; None if it is not certain what the code reads."""
    digest, parts = hashlib.sha256(), _Parts()
    try:
        for part in parts.of_module("", module):
            digest.update(part + b"\n")
        if "timm" in parts.packages:
            digest.update(_sources("timm").encode())
    except Exception:  # _Unknown, NotStorable, or an object that cannot even be described
        return None
    return digest.hexdigest()


class _Parts:
    """Describes modules and values as bytes, and numbers the objects that occur twice.

    Attributes:
        packages: the packages whose code was seen.
    """

    def __init__(self) -> None:
        self.packages: set[str] = set()
        self._seen: dict[int, int] = {}
        self._classes: dict[type, str] = {}
        self._kept: list[object] = []  # an object that is freed could give its id to another

    def of_module(self, path: str, module: nn.Module) -> Iterator[bytes]:
        """Yield the parts of a module and of its submodules."""
        first = self._first(module)
        yield f"module {path!r} {first}".encode()
        if first is not None:
            return
        yield self._class_name(type(module)).encode()
        if any(getattr(module, hooks, None) for hooks in _HOOKS):
            raise _Unknown("hooks")
        for name, value in sorted(vars(module).items()):
            if name not in _IGNORED and name not in NO_CODE:
                yield f"attribute {name!r}".encode()
                yield from self.of_value(value)
        for name, tensor in (*module._parameters.items(), *module._buffers.items()):
            yield f"tensor {name!r}".encode()
            yield from self.of_value(tensor)
        for name, child in module._modules.items():
            if child is None:
                yield f"no module {name!r}".encode()
            else:
                yield from self.of_module(f"{path}.{name}", child)

    def of_value(self, value: object) -> Iterator[bytes]:
        """Yield the parts of an attribute."""
        if value is None or type(value) in (bool, int, float, complex, str, bytes):
            yield f"{type(value).__name__} {value!r}".encode(errors="surrogatepass")
        elif isinstance(value, torch.dtype | torch.device | torch.layout | torch.memory_format):
            yield f"{type(value).__name__} {value}".encode()
        elif isinstance(value, enum.Enum):
            yield f"{self._class_name(type(value))} {value.name}".encode()
        elif isinstance(value, type):
            yield f"class {self._class_name(value)}".encode()
        elif callable(value) and hasattr(value, "__qualname__"):
            name = _function_name(value)
            self.packages.add(name.split(".")[0])
            yield f"function {name}".encode()
        else:
            yield from self._of_object(value)

    def _of_object(self, value: object) -> Iterator[bytes]:
        first = self._first(value)
        yield f"{type(value).__name__} {first}".encode()
        if first is not None:
            return
        if isinstance(value, torch.Tensor):
            self._class_name(type(value))
            yield f"{value.dtype} {list(value.shape)} {list(value.stride())}".encode()
            yield f"{value.requires_grad}".encode()
            yield hashlib.sha256(tensor_bytes(value)).digest()
        elif isinstance(value, nn.Module):
            raise _Unknown("a module that is not registered")
        elif isinstance(value, functools.partial):
            yield from self.of_value(value.func)
            yield from self.of_value(value.args)
            yield from self.of_value(value.keywords)
        elif isinstance(value, set | frozenset):
            yield from self.of_value(sorted(value, key=repr))
        elif isinstance(value, list | tuple):
            yield f"{self._class_name(type(value))} {len(value)}".encode()
            for item in value:
                yield from self.of_value(item)
        elif isinstance(value, dict):
            yield f"{self._class_name(type(value))} {len(value)}".encode()
            for key, item in value.items():
                yield from self.of_value(key)
                yield from self.of_value(item)
        elif dataclasses.is_dataclass(value):
            yield self._class_name(type(value)).encode()
            if set(vars(value)) != {field.name for field in dataclasses.fields(value)}:
                raise _Unknown("an attribute that is no field")
            for name, item in vars(value).items():
                yield f"field {name!r}".encode()
                yield from self.of_value(item)
        else:
            raise _Unknown(f"an attribute of {type(value).__name__}")

    def _class_name(self, cls: type) -> str:
        if cls in self._classes:
            return self._classes[cls]
        name = self._classes[cls] = _class_name(cls)
        self.packages.update(base.__module__.split(".")[0] for base in cls.__mro__)
        return name

    def _first(self, value: object) -> int | None:
        """Return the number of an object that was seen before; None for a new one."""
        if isinstance(value, tuple | frozenset):
            return None  # equal ones may or may not be the same object
        found = self._seen.get(id(value))
        if found is None:
            self._seen[id(value)] = len(self._seen)
            self._kept.append(value)
        return found


def _class_name(cls: type) -> str:
    """Return the name of a class whose code, and that of its bases, is trusted and unchanged."""
    for base in cls.__mro__:
        package = base.__module__.split(".")[0]
        if package in ("builtins", "collections", "abc", "typing", "enum"):
            continue
        if package not in TRUSTED or _found(base.__module__, base.__qualname__) is not base:
            raise _Unknown(f"the class {base.__module__}.{base.__qualname__}")
        for method in vars(base).values():
            if inspect.isfunction(method) and not _unchanged(method):
                raise _Unknown(f"the method {method.__qualname__}")
    return f"{cls.__module__}.{cls.__qualname__}"


@functools.cache
def _sources(package: str) -> str:
    """Return a digest of the Python files of an imported package."""
    return sources_digest(Path(str(sys.modules[package].__file__)).parent)


def _unchanged(method: Callable[..., object]) -> bool:
    """Return True unless someone else replaced a method of a trusted class by their own."""
    made_by = method.__module__ or ""
    return made_by.split(".")[0] in TRUSTED or made_by in sys.stdlib_module_names


def _function_name(function: Callable[..., object]) -> str:
    """Return the name of a function of a trusted package or of Python's built-in ones."""
    module, name = getattr(function, "__module__", None) or "", function.__qualname__
    package = module.split(".")[0]
    trusted = package in TRUSTED or package in ("math", "operator", "builtins")
    if not trusted or _found(module, name) is not function:
        raise _Unknown(f"the function {module}.{name}")
    return f"{module}.{name}"


def _found(module: str, qualified: str) -> object:
    """Return what a qualified name means in an imported module; None if there is none."""
    found: object = sys.modules.get(module)
    for name in qualified.split("."):
        found = getattr(found, name, None)
    return found

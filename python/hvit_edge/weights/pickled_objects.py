"""Inspect a pickle that is not safe to load, without running its code."""

from __future__ import annotations

import math
import pickle
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

LEGACY_HEADERS = 3  # pickles before the object in files of torch before 1.6
MAPPINGS = ("collections.OrderedDict", "collections.defaultdict", "builtins.dict")
TENSORS = "torch._utils._rebuild"
PLAIN = re.compile(r"torch\._utils\._rebuild_\w+|torch\.\w+|collections\.Counter|_codecs\.encode")
SHOWN = 5
DEEPEST = 2  # levels of nesting


class _Stub:
    """Replaces any object of a pickle; stores its class and its state."""

    origin = ""

    def __new__(cls, *args: object, **kwargs: object) -> _Stub:
        return super().__new__(cls)

    def __init__(self, *args: object, **kwargs: object) -> None:
        self.state: object = None

    def __setstate__(self, state: object) -> None:
        self.state = state

    def __setitem__(self, key: object, value: object) -> None: ...

    def append(self, value: object) -> None: ...

    def extend(self, values: object) -> None: ...

    def add(self, value: object) -> None: ...


class _Mapping(dict[Any, Any]):
    """Replaces any mapping of a pickle."""

    def __init__(self, *args: object) -> None:
        super().__init__()

    def __setstate__(self, state: object) -> None: ...


class _Looker(pickle.Unpickler):
    """Unpickles to stubs only; it imports no class and calls no function."""

    def __init__(self, file: IO[bytes]) -> None:
        super().__init__(file, encoding="latin1")
        self.classes: dict[str, type] = {}

    def find_class(self, module: str, name: str) -> type:
        origin = f"{module}.{name}"
        if origin in MAPPINGS:
            return _Mapping
        return self.classes.setdefault(origin, type("Stub", (_Stub,), {"origin": origin}))

    def persistent_load(self, pid: object) -> object:
        # Old files store the class of a module and its source this way; all else is a storage.
        if isinstance(pid, tuple) and pid[:1] == ("module",) and len(pid) > 1:
            return pid[1]
        return None


def foreign_classes(path: Path, known: set[str]) -> list[str]:
    """Return the classes and functions in a pickle that are neither `known` nor torch's tensors.

    The list has at most `SHOWN` names. It is empty for a damaged pickle.
    """
    try:
        _, names = _look(path)
    except Exception:
        return []
    return [name for name in names if name not in known and not PLAIN.fullmatch(name)][:SHOWN]


def remedy_for(path: Path) -> str:
    """Return Python code that saves the weights of a pickle, for a user who trusts its objects."""
    read = f"torch.load({str(path)!r}, map_location='cpu', weights_only=False)"
    try:
        content, _ = _look(path)
    except Exception:  # it is damaged or unusual: suggest the common case
        content = None
    places = list(_places(content, read))
    weights = max(places, key=lambda place: place[0])[1] if places else f"{read}.state_dict()"
    return f"torch.save({weights}, 'weights.pt')"


def _look(path: Path) -> tuple[Any, list[str]]:
    """Return the object in a file of `torch.save`, made of stubs, and the names in it."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            name = next(name for name in archive.namelist() if name.endswith("/data.pkl"))
            with archive.open(name) as file:
                return _look_into(file)
    with path.open("rb") as file:
        content, names = _look_into(file)
        if not isinstance(content, int):
            return content, names
        for _ in range(LEGACY_HEADERS):
            content, names = _look_into(file)
        return content, names


def _look_into(file: IO[bytes]) -> tuple[Any, list[str]]:
    looker = _Looker(file)
    return looker.load(), list(looker.classes)


def _places(content: Any, expression: str, depth: int = 0) -> Iterator[tuple[float, str]]:
    """Yield the number of tensors and a Python expression for each module and mapping.

    The number of a module is infinite, so that a module is preferred.
    """
    if _is_module(content):
        yield math.inf, f"{expression}.state_dict()"
    if not isinstance(content, dict) or depth > DEEPEST:
        return
    tensors = sum(map(_is_tensor, content.values()))
    if tensors and tensors == len(content):
        yield tensors, expression
    elif tensors:
        yield (
            tensors,
            f"{{key: value for key, value in {expression}.items()"
            " if isinstance(value, torch.Tensor)}",
        )
    for key, value in content.items():
        yield from _places(value, f"{expression}[{key!r}]", depth + 1)


def _is_module(value: Any) -> bool:
    state = getattr(value, "state", None)
    return isinstance(state, dict) and "_modules" in state


def _is_tensor(value: Any) -> bool:
    return isinstance(value, _Stub) and value.origin.startswith(TENSORS)

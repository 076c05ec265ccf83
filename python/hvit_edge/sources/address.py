"""Read MODEL: a registered name, `FILE.py:FACTORY`, `timm:NAME` or `hf:OWNER/REPO`.

Imports no torch, so that the command line refuses a wrong name immediately.
"""

from __future__ import annotations

import os
import re
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from hvit_edge.errors import InputError, MissingPackageError
from hvit_edge.hints import FORMS, unknown_name

EXTRAS = {"timm": "timm", "hf": "transformers"}
"""The package that each extra of this package installs."""
_PREFIX = re.compile(r"(?P<kind>timm|hf):(?P<rest>.*)", re.DOTALL)
_ARTIFACTS = (".pte", ".mlpackage")
_CHECKPOINTS = (".pt", ".pth", ".bin", ".ckpt", ".safetensors")


@dataclass(frozen=True)
class Address:
    """Describes where a module comes from; made by `check_address`, and passed on from there.

    Attributes:
        kind: "registered", "file", "timm" or "hf".
        text: the address as the user gave it.
        name: the registered name; the path of the file; NAME[.TAG]; or OWNER/REPO or a folder.
        factory: for a file, the function or class that makes the module; otherwise empty.
    """

    kind: str
    text: str
    name: str
    factory: str = ""

    @property
    def model_name(self) -> str:
        """Return the name of the model in artifacts: without folders, valid in a file name."""
        if self.kind == "file":
            return f"{Path(self.name).stem}_{self.factory}"
        name = os.path.basename(os.path.abspath(self.name)) if self.kind == "hf" else self.name
        return re.sub(r"[^\w.\-]", "_", name)

    @property
    def recorded(self) -> str:
        """Return the address for an artifact, without the folders of this machine.

        It is empty for a registered model.
        """
        if self.kind == "file":
            return f"{Path(self.name).name}:{self.factory}"
        if self.kind == "hf" and self.folder:
            return f"hf:{self.folder.resolve().name}"
        return "" if self.kind == "registered" else f"{self.kind}:{self.name}"

    @property
    def folder(self) -> Path | None:
        """Return the local folder of an `hf:` address; None if it is a repository on the hub."""
        path = Path(self.name)
        return path if self.kind == "hf" and path.is_dir() else None


def read_address(text: str, where: str) -> Address:
    """Read the form of an address; `check_address` also checks what it names.

    Args:
        text: MODEL as the user gave it.
        where: name of the public function that was called, for messages.

    Raises:
        InputError: the form is wrong.
    """
    prefixed = _PREFIX.fullmatch(text)
    if prefixed:
        return _library_address(text, prefixed["kind"], prefixed["rest"].strip(), where)
    path, colon, factory = text.rpartition(":")
    if colon and path.endswith(".py"):
        return _file_address(text, path, factory, where)
    if text.endswith(".py"):
        from hvit_edge.sources.factory_names import factories_in

        named = ", ".join(factories_in(Path(text), where)) or "no function or class"
        raise InputError(
            f"[{where}] expected FILE.py:FACTORY, got {text!r}, which names no factory; add the"
            f" function or class that makes the module; the file defines {named}"
        )
    if text.endswith(_ARTIFACTS):
        raise InputError(
            f"[{where}] expected a model, got {text!r}, which is named like an artifact; give"
            f" a registered name (hvit-edge list), {FORMS}"
        )
    if text.endswith(_CHECKPOINTS):
        raise InputError(
            f"[{where}] expected a model, got {text!r}, which is named like a checkpoint; give the"
            f" model's name, and the checkpoint with --weights {text} (weights={text!r})"
        )
    return Address("registered", text, text)


def _file_address(text: str, path: str, factory: str, where: str) -> Address:
    if not factory.isidentifier():
        raise InputError(
            f"[{where}] expected FILE.py:FACTORY with the name of a function or class, got {text!r}"
        )
    return Address("file", text, path, factory)


def _library_address(text: str, kind: str, name: str, where: str) -> Address:
    form = "timm:NAME or timm:NAME.TAG" if kind == "timm" else "hf:OWNER/REPO or hf:FOLDER"
    if not name or (kind == "timm" and not re.fullmatch(r"[\w\-]+(\.[\w\-.]+)?", name)):
        raise InputError(f"[{where}] expected {form}, got {text!r}")
    is_repository = re.fullmatch(r"[\w.\-]+/[\w.\-]+", name)
    if kind == "hf" and not is_repository and not Path(name).is_dir():
        raise InputError(
            f"[{where}] expected {form}, got {text!r}, which is neither a repository nor a"
            " folder here"
        )
    return Address(kind, text, name)


def check_address(given: str | Address, where: str) -> Address:
    """Read an address and check as much of it as is possible without torch.

    Args:
        given: MODEL as the user gave it, or what an earlier call returned, which is not read again.
        where: name of the public function that was called, for messages.

    Raises:
        InputError: the form is wrong, a registered name is unknown, or a file is missing or does
            not define the factory.
        MissingPackageError: the address needs timm or transformers, which is not installed.
    """
    if isinstance(given, Address):
        return given
    address = read_address(given, where)
    if address.kind == "registered":
        _check_registered(address.name)
    elif address.kind == "file":
        from hvit_edge.sources.factory_names import check_factory

        check_factory(Path(address.name), address.factory, where)
    else:
        check_package(address.kind, where)
    return address


def check_package(kind: str, where: str) -> None:
    """Raise MissingPackageError if the library of an address is not installed."""
    package = EXTRAS[kind]
    if package in sys.modules or find_spec(package) is not None:
        return
    raise MissingPackageError(
        f"[{where}] expected the Python package {package} for {kind}:..., which is not installed;"
        f" pip install 'hvit-edge[{kind}]'",
        name=package,
    )


def _check_registered(name: str) -> None:
    from hvit_edge.sources.registered import MODELS

    models = sys.modules.get("hvit_edge.models.registry")
    known = sorted(models.registered_names()) if models else sorted(model.name for model in MODELS)
    if name not in known:
        raise InputError(unknown_name(name, known))

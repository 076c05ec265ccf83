"""Get a module from a function or class in a user's file: `FILE.py:FACTORY`.

The file runs as Python code, without any restriction. Only a file that the user names in the
current call is run.
"""

from __future__ import annotations

import importlib.util
import inspect
import random
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch
from torch import nn

from hvit_edge.errors import HvitEdgeError, InputError, first_line
from hvit_edge.preprocess import Preprocess
from hvit_edge.sources.address import Address
from hvit_edge.sources.factory_names import check_factory
from hvit_edge.user_modules.user_code import place_of_error

SEED = 0


def module_from_file(
    address: Address, args: Mapping[str, Any], where: str
) -> tuple[nn.Module, Preprocess | None]:
    """Run a file and call its factory.

    The random generators of PyTorch, NumPy and Python are seeded for the call and restored after
    it, so that the initial weights of a module are the same in each call.

    Args:
        address: an address of the kind "file".
        args: keyword arguments of the factory.
        where: name of the public function that was called, for messages.

    Returns:
        The module as the factory made it, and the preprocessing, or None if the factory returned
        none.

    Raises:
        InputError: the file or the factory is missing or raises, needs other arguments, or does not
            return a module. The message names the user's line.
    """
    path = Path(address.name)
    check_factory(path, address.factory, where)
    with _seeded(), _folder_on_path(path), _explained(f"{path} to run", where):
        module = _run(path)
    made = getattr(module, address.factory, None)
    if isinstance(made, nn.Module) and not args:
        return made, None
    if not callable(made) or isinstance(made, nn.Module):
        raise InputError(
            f"[{where}] expected a function or class named {address.factory} in {path}, got"
            f" {type(made).__name__}{' and arguments' if args else ''}; define one that returns"
            " the module"
        )
    _check_call(made, address, args, where)
    with _seeded(), _folder_on_path(path), _explained(f"{address.text} to make a module", where):
        made = made(**args)
    return _parts(made, address, where)


def _module_name(path: Path) -> str:
    return f"hvit_edge_file_{path.stem}"


def _run(path: Path) -> ModuleType:
    name = _module_name(path)
    spec = importlib.util.spec_from_file_location(name, path.resolve())
    if spec is None or spec.loader is None:
        raise InputError(f"[sources] expected a Python file, got {path}; give FILE.py:FACTORY")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses and pickles look for it there
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


@contextmanager
def _seeded() -> Iterator[None]:
    states = torch.get_rng_state(), np.random.get_state(), random.getstate()
    torch.random.default_generator.manual_seed(SEED)
    np.random.seed(SEED)
    random.seed(SEED)
    try:
        yield
    finally:
        torch.set_rng_state(states[0])
        np.random.set_state(states[1])
        random.setstate(states[2])


@contextmanager
def _folder_on_path(path: Path) -> Iterator[None]:
    """Let the file import modules of its folder, as `python FILE.py` does."""
    folder = str(path.resolve().parent)
    sys.path.insert(0, folder)
    try:
        yield
    finally:
        sys.path.remove(folder)


@contextmanager
def _explained(expected: str, where: str) -> Iterator[None]:
    """Turn an exception of the user's code into one sentence with the user's line."""
    try:
        yield
    except (HvitEdgeError, MemoryError):
        raise
    except (Exception, SystemExit) as error:
        place = place_of_error(error, nn.Module())
        line = f" in {place}" if place else ""
        raise InputError(
            f"[{where}] expected {expected}, got {first_line(error)}{line}; correct it there"
        ) from error


def argument_of(address: Address, args: Mapping[str, Any], value: int) -> str:
    """Return the name of the factory's argument whose value is `value`; "NAME" if none is."""
    module = sys.modules.get(_module_name(Path(address.name)))
    factory: Any = getattr(module, address.factory, None)
    try:
        parameters = inspect.signature(factory).parameters
    except (TypeError, ValueError):
        return "NAME"
    given = {name: one.default for name, one in parameters.items()} | dict(args)
    return next((name for name, one in given.items() if one == value and one is not True), "NAME")


def _check_call(
    factory: Callable[..., Any], address: Address, args: Mapping[str, Any], where: str
) -> None:
    try:
        signature = inspect.signature(factory)
    except (TypeError, ValueError):  # a class in C has no signature
        return
    try:
        signature.bind(**args)
    except TypeError as error:
        given = ", ".join(args) or "none"
        needed = [
            name
            for name, one in signature.parameters.items()
            if one.default is one.empty
            and name not in args
            and one.kind in (one.POSITIONAL_OR_KEYWORD, one.KEYWORD_ONLY)
        ]
        example = (needed or ["name"])[0]
        raise InputError(
            f"[{where}] expected the arguments of {address.factory}{signature}, got {given}"
            f" ({error}); give them with --arg {example}=VALUE (args={{'{example}': ...}})"
        ) from error


def _parts(made: object, address: Address, where: str) -> tuple[nn.Module, Preprocess | None]:
    module, preprocess = made, None
    if isinstance(made, tuple) and len(made) == 2:
        module, preprocess = made
    if isinstance(module, nn.Module) and isinstance(preprocess, Preprocess | None):
        return module, preprocess
    got = type(made).__name__
    if isinstance(made, (tuple, list)):
        got += f" of {', '.join(type(one).__name__ for one in made) or 'nothing'}"
    raise InputError(
        f"[{where}] expected {address.text} to return an nn.Module, or a pair of one and a"
        f" Preprocess, got {got}; return the module"
    )

"""Read a checkpoint file; its content, not its name, decides how."""

from __future__ import annotations

import argparse
import contextlib
import datetime
import pathlib
import re
import types
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file

from hvit_edge.errors import InputError
from hvit_edge.weights import file_kind
from hvit_edge.weights.pickled_objects import foreign_classes, remedy_for
from hvit_edge.weights.shards import read_shards, refuse_lone_shard

# Training scripts store these next to the weights. None of them runs code when it is created.
HARMLESS = (
    argparse.Namespace,
    types.SimpleNamespace,
    datetime.date,
    datetime.datetime,
    datetime.timedelta,
    pathlib.PosixPath,
    pathlib.PurePosixPath,
    dict,
    list,
    set,
    frozenset,
    slice,
    int,
    float,
    str,
    np.dtype,
    np.ndarray,
    *(type(np.dtype(name)) for name in ("f2", "f4", "f8", "i1", "i2", "i4", "i8")),
    *(type(np.dtype(name)) for name in ("u1", "u2", "u4", "u8", "?", "U1")),
)
_SCALAR, _RECONSTRUCT = np.float64(0).__reduce__()[0], np.zeros(1).__reduce__()[0]
_ALIASES: tuple[tuple[Any, str], ...] = (
    (lambda *_: {}, "collections.defaultdict"),  # the safe reader fills only plain containers
    (lambda *_: [], "collections.deque"),
    (pathlib.PosixPath, "pathlib._local.PosixPath"),  # Python 3.13
    (pathlib.PureWindowsPath, "pathlib.WindowsPath"),
    (pathlib.PureWindowsPath, "pathlib._local.WindowsPath"),
    (_SCALAR, "numpy.core.multiarray.scalar"),
    (_SCALAR, "numpy._core.multiarray.scalar"),
    (_RECONSTRUCT, "numpy.core.multiarray._reconstruct"),
    (_RECONSTRUCT, "numpy._core.multiarray._reconstruct"),
)


def read_checkpoint(path: Path, find: Callable[[str], Path | None] | None = None) -> Any:
    """Read a checkpoint file of any name.

    Args:
        path: a safetensors file, a file of `torch.save`, or a JSON index of shards of either kind.
        find: returns the path of a shard that an index names; None looks next to the index.

    Returns:
        The content: nested mappings and lists of tensors and plain values.

    Raises:
        InputError: the file does not exist, is damaged, is a pickle that would run code, or is of
            another kind. The message says what it is and what to do.
    """
    if not path.is_file():
        found = "a folder" if path.is_dir() else "no such file"
        raise InputError(f"[read_state_dict] expected a checkpoint file, got {found}: {path}")
    try:
        kind = file_kind.kind_of(path)
    except OSError as error:
        raise _damaged(path, str(error)) from error
    if kind == file_kind.INDEX:
        beside = path.parent
        return read_shards(path, find or (lambda name: beside / name), _read_whole)
    refuse_lone_shard(path)
    return _read_whole(path)


def _read_whole(path: Path) -> Any:
    """Read one file that is not an index."""
    kind = file_kind.kind_of(path)
    if kind == file_kind.SAFETENSORS:
        return _read_safetensors(path)
    if kind in (file_kind.PICKLE, file_kind.TORCH_ZIP):
        return _read_pickle(path)
    raise _refusal(path, "a JSON file" if kind == file_kind.INDEX else kind)


def _refusal(path: Path, kind: str) -> InputError:
    remedies = {
        file_kind.TORCHSCRIPT: "torch.save(torch.jit.load("
        f"{str(path)!r}, map_location='cpu').state_dict(), 'weights.pt')",
        file_kind.EXPORTED: f"torch.save(torch.export.load({str(path)!r}).state_dict,"
        " 'weights.pt')",
        file_kind.PACKAGED: "torch.save(model.state_dict(), 'weights.pt') where it was compiled",
    }
    if kind in remedies:
        return InputError(
            f"[read_state_dict] expected weights, got {path}, {kind}, which is a program; save its"
            f" weights: {remedies[kind]}"
        )
    wanted = "safetensors file" if path.suffix == ".safetensors" else "PyTorch checkpoint"
    advice = "" if ";" in kind else "; download or save it again"
    return InputError(f"[read_state_dict] expected a complete {wanted}, got {path}, {kind}{advice}")


def _read_safetensors(path: Path) -> Any:
    try:
        return load_file(path)
    except Exception as error:  # SafetensorError, or any error of its bindings
        raise InputError(
            f"[read_state_dict] expected a complete safetensors file, got {path} ({error});"
            " download or save it again"
        ) from error


def _read_pickle(path: Path) -> Any:
    harmless = [*HARMLESS, *_ALIASES]
    try:
        with warnings.catch_warnings(), contextlib.ExitStack() as stack:
            warnings.simplefilter("ignore")
            stack.enter_context(torch.serialization.safe_globals(harmless))
            # An open file, because torch.load trusts a name that ends in .safetensors.
            file = stack.enter_context(path.open("rb"))
            return torch.load(file, map_location="cpu", weights_only=True)
    except Exception as error:  # a malformed pickle may raise any exception
        unknown = foreign_classes(path, _known(harmless))
        if not unknown:
            inner = re.search(r"WeightsUnpickler error:\s*(.+)", str(error))
            reason = inner[1] if inner else str(error).split("\n")[0]
            raise _damaged(path, reason or type(error).__name__) from error
        raise InputError(
            f"[read_state_dict] expected tensors only, got {path}, a pickle that runs code when it"
            f" is read; it needs {', '.join(unknown)}; if you trust it, convert it where its code"
            f" is installed: {remedy_for(path)}"
        ) from error


def _known(harmless: list[Any]) -> set[str]:
    names = {one[1] for one in harmless if isinstance(one, tuple)}
    return names | {f"{c.__module__}.{c.__qualname__}" for c in harmless if isinstance(c, type)}


def _damaged(path: Path, reason: str) -> InputError:
    return InputError(
        f"[read_state_dict] expected a complete PyTorch checkpoint, got {path} ({reason[:200]});"
        " download or save it again"
    )

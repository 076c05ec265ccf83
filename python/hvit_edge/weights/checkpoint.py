"""Open a checkpoint of any kind: a state dict, a file, a folder or a repository of the hub."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hvit_edge.errors import InputError
from hvit_edge.weights.evidence import Find
from hvit_edge.weights.files import read_checkpoint
from hvit_edge.weights.locate import locate

RANDOM = "random"


@dataclass(frozen=True)
class Checkpoint:
    """Holds the content of a checkpoint, which is read once, and its source.

    Attributes:
        content: nested mappings and lists of tensors and plain values.
        source: the name of the source, as an artifact records it.
        file: the file; None for a state dict.
        find: finds the files next to it by name; None for a state dict.
    """

    content: Mapping[str, Any]
    source: str
    file: Path | None = None
    find: Find | None = None


def open_checkpoint(weights: object, where: str, named: Sequence[str] = (RANDOM,)) -> Checkpoint:
    """Read the weights that a caller gives.

    Args:
        weights: a state dict, a file of any name, a folder laid out like a hub repository, or
            "hf:owner/repo"; or what an earlier call returned, which is not read again.
        where: name of the public function that was called, for messages.
        named: other names that the caller accepts, for the error message.

    Raises:
        InputError: there is no such checkpoint, or it cannot be read.
    """
    if isinstance(weights, Checkpoint):
        return weights
    if isinstance(weights, Mapping):
        return Checkpoint(weights, "state dict")
    if not isinstance(weights, (str, Path)):
        raise InputError(
            f"[{where}] weights: expected {', '.join(named)}, a path or a state dict, got"
            f" {type(weights).__name__}; for a module pass its state_dict()"
        )
    file, source, find = locate(weights, named)
    return Checkpoint(read_checkpoint(file, find), source, file, find)

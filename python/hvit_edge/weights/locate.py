"""Locate a checkpoint: a file, a folder, or a repository on the Hugging Face hub."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hvit_edge.errors import InputError
from hvit_edge.weights import hub
from hvit_edge.weights.evidence import Find


def locate(weights: str | Path, named: Sequence[str] = ("random",)) -> tuple[Path, str, Find]:
    """Find a checkpoint.

    Args:
        weights: a file of any name, a folder laid out like a hub repository, or "hf:owner/repo".
        named: other names that the caller accepts, for the error message.

    Returns:
        The file; its source as an artifact records it; and a function that finds the files next to
        it.

    Raises:
        InputError: there is no checkpoint, or the hub cannot be reached.
    """
    if isinstance(weights, str) and weights.startswith("hf:"):
        find = hub.files_of(weights.removeprefix("hf:"))
        return hub.weights_in(find, weights), weights, find
    path = Path(weights)
    if path.is_dir():
        find = hub.files_in(path)
        return hub.weights_in(find, str(path), path), f"folder {path.resolve().name}", find
    if not path.exists() and path.suffix not in hub.SUFFIXES:
        raise InputError(
            f"[weights] expected a file, a folder, 'hf:owner/repo' or one of {', '.join(named)};"
            f" got {str(path)!r}, which is none of them"
        )
    return path, path.name, hub.files_in(path.parent)

"""Checkpoints on the Hugging Face hub, and folders of the same shape."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hvit_edge.errors import InputError
from hvit_edge.preprocess import Preprocess
from hvit_edge.weights import timm, transformers

WEIGHTS = ("model.safetensors", "pytorch_model.bin")


@dataclass(frozen=True)
class Checkpoint:
    """A weights file and what the config beside it says."""

    file: Path
    preprocess: Preprocess | None
    labels: tuple[str, ...]
    num_classes: int | None


def read_hub(repository: str) -> Checkpoint:
    """Download a repository's checkpoint, or take it from the hub's cache.

    Raises:
        InputError: no such repository, no network, or a repository without usable files.
    """
    return _read(f"hf:{repository}", lambda name: fetch(repository, name))


def read_folder(folder: Path) -> Checkpoint:
    """The checkpoint in a folder laid out like a hub repository."""
    return _read(str(folder), lambda name: path if (path := folder / name).is_file() else None)


def fetch(repository: str, name: str) -> Path | None:
    """One file of a repository, through the hub's cache; None where the repository lacks it."""
    from huggingface_hub import _CACHED_NO_EXIST, hf_hub_download, try_to_load_from_cache
    from huggingface_hub import errors as hub

    try:
        return Path(hf_hub_download(repository, name))
    except hub.LocalEntryNotFoundError as error:
        if try_to_load_from_cache(repository, name) is _CACHED_NO_EXIST:
            return None  # an earlier visit found the repository without it
        raise _unreachable(repository, error) from error
    except hub.EntryNotFoundError:
        return None
    except hub.RepositoryNotFoundError:
        raise InputError(
            f"[weights] expected a public repository on the hub, got no access to {repository!r};"
            " check its name, or log in with `hf auth login`"
        ) from None
    except hub.HFValidationError as error:
        raise InputError(
            f"[weights] expected hf:owner/repository, got {repository!r} ({error})"
        ) from None
    except Exception as error:  # the hub's client raises whatever its transport does
        raise _unreachable(repository, error) from error


def _unreachable(repository: str, error: Exception) -> InputError:
    reason = str(error).split("\n")[0][:200]
    return InputError(
        f"[weights] expected the hub to deliver {repository}, got {type(error).__name__}:"
        f" {reason}; connect to the network, or pass a file (weights='model.safetensors'), or ask"
        " for weights='random', or point HF_HOME at a cache that has it (with HF_HUB_OFFLINE=1"
        " nothing else is asked)"
    )


def _read(where: str, find: Callable[[str], Path | None]) -> Checkpoint:
    weights = next(filter(None, map(find, WEIGHTS)), None)
    if weights is None:
        raise InputError(f"[weights] expected {' or '.join(WEIGHTS)}, got neither in {where}")
    config = _json(find("config.json"))
    if config is None:
        raise InputError(f"[weights] expected config.json beside the weights, got none in {where}")
    if "pretrained_cfg" in config:
        return Checkpoint(
            weights,
            timm.read_preprocess(config),
            timm.read_labels(config),
            timm.read_num_classes(config),
        )
    transformers.check_config(config)
    processor = _json(find("preprocessor_config.json"))
    return Checkpoint(
        weights,
        transformers.read_preprocess(processor) if processor is not None else None,
        transformers.read_labels(config),
        transformers.read_num_classes(config),
    )


def _json(path: Path | None) -> dict[str, Any] | None:
    if path is None:
        return None
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(f"[weights] expected JSON, got {path} ({error})") from None
    if not isinstance(content, dict):
        raise InputError(f"[weights] expected a JSON object, got {path}")
    return content

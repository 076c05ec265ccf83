"""Read checkpoints in several files with an index, as transformers and accelerate write them."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from torch import Tensor

from hvit_edge.errors import InputError
from hvit_edge.weights.json_file import read_json_object

INDEX_SUFFIX = ".index.json"
SHARD = re.compile(r"^(.+)-(\d{5})-of-(\d{5})(\.\w+)$")
SHOWN = 10


def read_shards(
    index: Path, find: Callable[[str], Path | None], read: Callable[[Path], Any]
) -> dict[str, Tensor]:
    """Read the tensors that an index names.

    Args:
        index: a JSON file whose "weight_map" has the file of each tensor.
        find: returns the path of a file that the index names, or None.
        read: reads one of these files.

    Raises:
        InputError: the JSON file is not an index, files are missing, or files have other tensors
            than the index says. One message lists all faults.
    """
    files = _files(index)
    weights: dict[str, Tensor] = {}
    faults = []
    for name, expected in files.items():
        path = find(name)
        if path is None or not path.is_file():
            faults.append(f"{name} is missing")
            continue
        content = _of_shard(path, read)
        if missing := sorted(expected - content.keys()):
            faults.append(f"{name} lacks {_listed(missing)}")
        if unknown := sorted(content.keys() - expected):
            faults.append(f"{name} has {_listed(unknown)}, which the index does not name there")
        weights |= content
    if faults:
        raise InputError(
            f"[weights] expected the files that {index} names, got: {'; '.join(faults)};"
            " download or save the checkpoint again"
        )
    return weights


def refuse_lone_shard(path: Path) -> None:
    """Raise InputError if the name of `path` says that it is one of several files."""
    found = SHARD.match(path.name)
    if found is None or int(found[3]) < 2:
        return
    index = f"{found[1]}{found[4]}{INDEX_SUFFIX}"
    there = (path.parent / index).is_file()
    raise InputError(
        f"[weights] expected a complete checkpoint, got {path}, one of {int(found[3])} files; pass"
        f" {'the folder, or ' if there else 'all of them in a folder with '}{index}"
    )


def _of_shard(path: Path, read: Callable[[Path], Any]) -> dict[str, Tensor]:
    content = read(path)
    if not isinstance(content, dict) or not all(isinstance(v, Tensor) for v in content.values()):
        raise InputError(f"[weights] expected tensors by name, got other content in {path}")
    return dict(content)


def _files(index: Path) -> dict[str, set[str]]:
    content = read_json_object(index).get("weight_map")
    if not isinstance(content, dict) or not content:
        raise InputError(
            f"[weights] expected weights, or an index with a weight_map, got {index}, other JSON;"
            " pass the weights file"
        )
    files: dict[str, set[str]] = defaultdict(set)
    for key, name in content.items():
        if not isinstance(name, str) or Path(name).name != name or name in ("", ".."):
            raise InputError(
                f"[weights] expected the names of files next to {index}, got {name!r} for {key}"
            )
        files[name].add(key)
    return files


def _listed(keys: list[str]) -> str:
    more = f" and {len(keys) - SHOWN} more" if len(keys) > SHOWN else ""
    return f"{', '.join(keys[:SHOWN])}{more}"

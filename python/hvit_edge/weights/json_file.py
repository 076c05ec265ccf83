"""Read JSON files that other programs wrote."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hvit_edge.errors import InputError


def read_json(path: Path, where: str = "weights") -> Any:
    """Return the content of a JSON file, UTF-8 with or without a byte order mark.

    Args:
        path: the file.
        where: the part of an error message in brackets.

    Raises:
        InputError: the file is unreadable or not JSON, or an object has a key twice.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
        return json.loads(text, object_pairs_hook=_once)
    except (ValueError, OSError, RecursionError) as error:
        raise InputError(f"[{where}] expected JSON, got {path} ({error}); correct it") from None


def read_json_object(path: Path, where: str = "weights") -> dict[str, Any]:
    """Return the object in a JSON file.

    Raises:
        InputError: see `read_json`, or the content is not an object.
    """
    content = read_json(path, where)
    if not isinstance(content, dict):
        raise InputError(f"[{where}] expected a JSON object, got {path}; correct it")
    return content


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        names = [name for name, _ in pairs]
        twice = sorted({name for name in names if names.count(name) > 1})
        raise ValueError(f"{', '.join(twice)} appears twice")
    return content

"""Read arguments of a factory: `--arg key=value` on the command line, a mapping in Python."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterable, Mapping
from typing import Any

from hvit_edge.errors import InputError

_WORDS = {"true": True, "false": False, "none": None, "null": None}


def read_arguments(texts: Iterable[str], where: str) -> dict[str, Any]:
    """Read `key=value` texts.

    A value is a Python literal (`7`, `0.1`, `[1,2]`, `True`, `None`) or true, false, none or null
    in any case. Everything else is text.

    Raises:
        InputError: a text has no `=`, or a key is not a name or is given twice. The message lists
            all faults.
    """
    found: dict[str, Any] = {}
    faults = []
    for text in texts:
        key, equals, value = text.partition("=")
        key = key.strip()
        if not equals or not key.isidentifier():
            faults.append(f"expected key=value with a name as key, got {text!r}")
        elif key in found:
            faults.append(f"expected {key} once, got it twice")
        else:
            found[key] = _value(value.strip())
    if faults:
        raise InputError(f"[{where}] --arg: {'; '.join(faults)}; write --arg num_classes=7")
    return found


def _value(text: str) -> Any:
    if text.lower() in _WORDS:
        return _WORDS[text.lower()]
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return text


def check_arguments(args: object, where: str) -> dict[str, Any]:
    """Return the arguments of a factory as a dictionary.

    Raises:
        InputError: they are not a mapping from names.
    """
    if args is None:
        return {}
    if not isinstance(args, Mapping) or not all(isinstance(key, str) for key in args):
        raise InputError(
            f"[{where}] args: expected a mapping from names to values, got"
            f" {type(args).__name__}; write args={{'num_classes': 7}}"
        )
    return dict(args)


def recorded(args: Mapping[str, Any]) -> str:
    """Return arguments as an artifact records them: JSON, or empty if there are none.

    A value that JSON cannot hold is recorded as its text. The module cannot be built again from it.
    """
    return json.dumps(args, default=str, sort_keys=True) if args else ""


def read_recorded(text: str) -> dict[str, Any]:
    """Read the arguments that `recorded` wrote.

    Raises:
        InputError: the text is not a JSON object.
    """
    try:
        content = json.loads(text) if text else {}
    except ValueError:
        content = None
    if not isinstance(content, dict):
        raise InputError(
            f"[validate] expected the artifact's record of its arguments as JSON, got {text!r};"
            " give them with --arg key=value (args=)"
        )
    return content

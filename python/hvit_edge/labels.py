"""Read class names from lists, mappings and files."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from numbers import Integral
from pathlib import Path
from typing import Any

from hvit_edge.errors import InputError

INDEX = re.compile(r"[+-]?[0-9]+")
SHOWN = 10
INDEXED = re.compile(r"([0-9]+)\s*[:=,;\s]\s*(\S.*)")  # `0: cat`, `0,cat`, `0 cat`
YAML = (".yaml", ".yml")
# Fields of configs with class names, and the meaning of the keys if the field is a mapping.
TABLES = {
    "id2label": "index",
    "idx_to_class": "index",
    "label_names": None,
    "class_names": None,
    "labels": None,
    "classes": None,
    "names": None,
    "label2id": "name",
    "class_to_idx": "name",
}


def read_labels(
    value: Any, where: str, classes: int | None = None, *, by: str | None = None
) -> tuple[str, ...]:
    """Read class names in class order.

    Args:
        value: None; a list of names; or a mapping from class index (a number, or its digits) to
            name, or from name to class index. Integers as names become text. If every name is null,
            the result is empty.
        where: the part of a message in brackets.
        classes: required number of names; None for any number.
        by: meaning of the keys of a mapping, "index" or "name"; None detects it.

    Raises:
        InputError: the value is none of these, names are missing, blank or of several lines, or
            indices do not count up from 0. One message lists all faults.
    """
    if value is None:
        return ()
    faults: list[str] = []
    if isinstance(value, Mapping):
        names = _in_order(value, by, faults)
    elif _is_list(value):
        names = list(value)
    else:
        raise InputError(
            f"[{where}] expected a list of class names, or a mapping from class index to name, got"
            f" {type(value).__name__}"
        )
    if not faults and all(name is None for name in names):
        return ()
    labels = _texts(names, faults)
    if classes is not None and not faults and len(labels) != classes:
        faults.append(f"expected {classes} labels for {classes} classes, got {len(labels)}")
    if faults:
        raise InputError(f"[{where}] labels: {'; '.join(faults)}; correct them")
    return labels


def _is_list(value: object) -> bool:
    if isinstance(value, (str, bytes, set, frozenset)) or getattr(value, "ndim", 1) != 1:
        return False
    return isinstance(value, Iterable)


def read_labels_file(path: str | Path) -> tuple[str, ...]:
    """Read the class names in a text file with one name per line, or in a JSON file.

    JSON or a Python literal contains a value for `read_labels`, or an object with such a value in
    one of `TABLES`. If every line of text begins with its class index, such as `0: cat`, the rest
    of the line is the name.

    Raises:
        InputError: the file is missing or empty, has a blank line, or has no labels.
    """
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"[labels] expected a UTF-8 text file with one class name per line, got {path}"
            f" ({error}); save it in this form"
        ) from error
    content = _structured(text, Path(path))
    if content is not None:
        by = None
        if isinstance(content, dict):
            kept = (name for name in TABLES if isinstance(content.get(name), (dict, list)))
            table = next((name for name in kept if content[name]), None)
            content, by = (content[table], TABLES[table]) if table else (content, None)
        labels = read_labels(content, f"labels {path}", by=by)
        if not labels:
            raise InputError(f"[labels] {path}: expected class names, got none")
        return labels
    return _lines(text, path)


def given_labels(labels: object, classes: int | None = None) -> tuple[str, ...] | None:
    """Read the labels that a caller gives: a value for `read_labels`, or the path of a file.

    None stays None; the labels are then those of the weights.
    """
    if labels is None:
        return None
    if isinstance(labels, (str, Path)):
        return read_labels(read_labels_file(labels), "labels", classes)
    return read_labels(labels, "labels", classes)


def _structured(text: str, path: Path) -> object:
    """Return the content of a JSON file or a Python literal; None for lines of text."""
    named = path.suffix.lower()
    if named in YAML:
        raise InputError(f"[labels] expected text or JSON, got YAML: {path}; save it as JSON")
    start = text.lstrip()[:1]
    if named != ".json" and start not in ("{", "["):
        return None
    try:
        return json.loads(text, object_pairs_hook=_pairs)
    except (ValueError, RecursionError) as error:
        if named == ".json":
            raise InputError(f"[labels] expected JSON, got {path} ({error}); correct it") from None
    try:
        return ast.literal_eval(text.strip())
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        if start == "[":  # a name may begin with a bracket
            return None
    raise InputError(
        f"[labels] expected one class name per line, JSON or a Python dict, got {path}, which"
        " begins like the latter two and is neither; correct it"
    )


def _pairs(pairs: list[tuple[str, object]]) -> dict[str, object]:
    content = dict(pairs)
    if len(content) < len(pairs):
        raise ValueError("a key appears twice")
    return content


def _lines(text: str, path: str | Path) -> tuple[str, ...]:
    labels = [line.strip() for line in text.splitlines()]
    if not labels:
        raise InputError(f"[labels] {path}: expected one class name per line, got an empty file")
    blank = [str(number) for number, label in enumerate(labels, 1) if not label]
    if blank:
        raise InputError(
            f"[labels] {path}: expected a class name on every line, got blank lines:"
            f" {', '.join(blank[:SHOWN])}; remove them"
        )
    found = [match for label in labels if (match := INDEXED.fullmatch(label))]
    if len(labels) > 1 and len(found) == len(labels):
        table = [(int(one[1]), one[2]) for one in found]
        if _counts_up(table):
            return tuple(name for _, name in sorted(table))
    return tuple(labels)


def _index(value: object) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, Integral):
        return int(value)
    return int(value) if isinstance(value, str) and INDEX.fullmatch(value) else None


def _in_order(table: Mapping[Any, Any], by: str | None, faults: list[str]) -> list[object]:
    """Return the names of a mapping in the order of their indices; add errors to `faults`."""
    by_key = [(_index(key), value) for key, value in table.items()]
    by_value = [(_index(value), key) for key, value in table.items()]
    if by is None and table and all(isinstance(key, Integral) for key in table):
        by = "index"
    ways = {"index": [by_key], "name": [by_value]}.get(by or "", [by_key, by_value])
    orders = [
        [name for _, name in sorted(pairs, key=lambda pair: pair[0] or 0)]
        for pairs in ways
        if _counts_up(pairs)
    ]
    if len(orders) == 2 and list(map(str, orders[0])) != list(map(str, orders[1])):
        faults.append("expected names, got numbers for names and indices alike; give a list")
    elif not orders:
        inverse = ways[-1] is by_value and all(index is not None for index, _ in by_value)
        faults += _index_faults(by_value if inverse else ways[0], list(table))
    return orders[0] if orders else []


def _counts_up(pairs: Sequence[tuple[int | None, object]]) -> bool:
    indices = [index for index, _ in pairs if index is not None]
    return sorted(indices) == list(range(len(pairs)))


def _index_faults(pairs: list[tuple[int | None, object]], keys: list[object]) -> list[str]:
    foreign = [repr(key) for (index, _), key in zip(pairs, keys, strict=True) if index is None]
    indices = [index for index, _ in pairs if index is not None]
    negative = sorted({index for index in indices if index < 0})
    double = sorted({index for index in indices if indices.count(index) > 1})
    there = set(indices)
    gaps = [i for i in range(min(len(keys), 10**6)) if i not in there]
    beyond = sorted({index for index in indices if index >= len(keys)})
    return [
        f"expected class indices that count up from 0, {problem}: {_listed(found)}"
        for problem, found in (
            ("got none in", foreign),
            ("got negative ones", negative),
            ("got some twice", double),
            ("got none for", gaps),
            ("got some that are too large", beyond),
        )
        if found
    ]


def _texts(names: list[object], faults: list[str]) -> tuple[str, ...]:
    """Return the names as text; add errors to `faults`."""
    null = [i for i, name in enumerate(names) if name is None]
    wrong = [
        f"{i} ({type(name).__name__})"
        for i, name in enumerate(names)
        if name is not None and (isinstance(name, bool) or not isinstance(name, (str, Integral)))
    ]
    texts = [str(name) for name in names]
    blank = [i for i, text in enumerate(texts) if not text.strip()]
    broken = [i for i, text in enumerate(texts) if len(text.splitlines()) > 1 or "\n" in text]
    for problem, found in (
        ("a name for every class, got null for", null),
        ("text, got another type for", wrong),
        ("a name, got a blank one for", blank),
        ("no line breaks inside a label, got some in", broken),
    ):
        if found:
            faults.append(f"expected {problem} class {_listed(found)}")
    return tuple(texts)


def _listed(values: list[Any]) -> str:
    more = f" and {len(values) - SHOWN} more" if len(values) > SHOWN else ""
    return f"{', '.join(map(str, values[:SHOWN]))}{more}"

"""Hold the answers to single images, and write them as a file of JSON lines.

The first line describes the evaluation, and every other line is the row of an image, in the order
of the data; docs/evaluation.md lists the fields of each task.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from hvit_edge.artifact.container import check_output, write_atomically
from hvit_edge.errors import InputError
from hvit_edge.images.file_names import printable

FORMAT, VERSION = "hvit_edge_answers", 1
SUFFIX = ".jsonl"


def plain(report: Any) -> dict[str, Any]:
    """Return a report as plain lists, dicts, strings and numbers, without its `answers`."""
    values = asdict(replace(report, answers=()))
    del values["answers"]
    return values


def unread(index: int, name: str, reason: str, **more: Any) -> dict[str, Any]:
    """Return the row of an image that could not be read; `more` is what else is known of it."""
    return {"index": index, "name": name, **more, "skipped": reason}


def check_answers_file(path: str | Path, *, force: bool) -> None:
    """Raise InputError if answers cannot be written to a file; call it before the work."""
    if Path(path).suffix != SUFFIX:
        raise InputError(
            f"[evaluate] --answers (answers=): expected a name that ends in {SUFFIX}, got"
            f" {printable(path)}; rename it"
        )
    check_output(Path(path), force=force)


def write_answers(path: str | Path, report: Any, *, limit: int | None, force: bool) -> None:
    """Write the answers of a report.

    Args:
        path: the file, whose name ends in `.jsonl`.
        report: the report of an evaluation of any task.
        limit: the one of the evaluation; positions are those of `open_images(...).take(limit)`.
        force: replace an existing file.

    Raises:
        InputError: the file exists or cannot be written.
    """
    check_answers_file(path, force=force)
    header = {
        FORMAT: VERSION,
        "task": report.task,
        "artifact": report.artifact,
        "data": report.data,
        "limit": limit,
        "labels": {row.index: row.label for row in getattr(report, "per_class", ())},
        "images": len(report.answers),
    }
    lines = [json.dumps(row) for row in (header, *report.answers)]
    write_atomically(Path(path), ("\n".join(lines) + "\n").encode("ascii"), force=force)


def read_answers(path: str | Path) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return the header and the rows of a file that `write_answers` wrote.

    Raises:
        InputError: the file cannot be read, or is another one.
    """
    try:
        lines = Path(path).read_text(encoding="ascii").splitlines()
        header, *rows = [json.loads(line) for line in lines]
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "no lines of JSON"
        raise _foreign(path, reason) from error
    if not isinstance(header, Mapping) or header.get(FORMAT) != VERSION:
        raise _foreign(path, "another file")
    if header.get("images") != len(rows):
        raise _foreign(path, f"{len(rows)} rows instead of {header.get('images')}")
    return dict(header), rows


def _foreign(path: str | Path, got: str) -> InputError:
    return InputError(
        f"[evaluate] {printable(path)}: expected answers from hvit-edge eval --answers, got {got};"
        " write them again"
    )

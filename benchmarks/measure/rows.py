"""Stores results row by row; a new row replaces the older one with the same key."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from measure.machine import describe_machine


def rows_known(results: Path, *fields: str) -> set[tuple[str, ...]]:
    """Return the values of `fields` of each row that a file has."""
    if not results.exists():
        return set()
    return {tuple(row[name] for name in fields) for row in json.loads(results.read_text())["rows"]}


def put_row(
    results: Path,
    key: dict[str, str],
    found: dict[str, object],
    place: Callable[[dict], tuple],
    **facts: object,
) -> None:
    """Write one row into `results`, and print it.

    A row's "machine" is an index into the file's "machines", which has no unused entries.

    Args:
        results: a JSON file, which need not exist.
        key: the fields that identify the row.
        found: its other fields.
        place: the sort key of a row.
        facts: other fields of the file.
    """
    report = json.loads(results.read_text()) if results.exists() else {"machines": [], "rows": []}
    others = [row for row in report["rows"] if any(row[k] != v for k, v in key.items())]
    machines = [*report["machines"], describe_machine()]
    row = {**key, **found, "machine": machines.index(machines[-1])}
    rows = sorted([*others, row], key=place)
    used = sorted({row["machine"] for row in rows})
    report = {
        "machines": [machines[index] for index in used],
        **facts,
        "rows": [{**row, "machine": used.index(row["machine"])} for row in rows],
    }
    results.write_text(json.dumps(report, indent=2) + "\n")
    print(json.dumps({**key, **found}), flush=True)

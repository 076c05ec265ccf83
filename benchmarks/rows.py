"""Results that are taken row by row: a new row takes the place of the older one of its key."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from machine import describe_machine


def put_row(
    results: Path,
    key: dict[str, str],
    found: dict[str, object],
    place: Callable[[dict], tuple],
    **facts: object,
) -> None:
    """Write one row into `results`, and print it.

    Args:
        results: a JSON file, which need not exist.
        key: which row it is.
        found: the rest of it.
        place: what rows are sorted by.
        facts: what else the file says, beside the machine.
    """
    rows = json.loads(results.read_text())["rows"] if results.exists() else []
    others = [row for row in rows if any(row[k] != v for k, v in key.items())]
    row = {**key, **found}
    report = {"machine": describe_machine(), **facts, "rows": sorted([*others, row], key=place)}
    results.write_text(json.dumps(report, indent=2) + "\n")
    print(json.dumps(row), flush=True)

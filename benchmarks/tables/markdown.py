"""Write tables in Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def markdown_table(header: Sequence[str], rows: Iterable[Sequence[str]], note: str = "") -> str:
    """Return a table, and a paragraph after it if there is a note.

    A `|` inside of a cell is escaped.

    Args:
        header: the titles of the columns.
        rows: the cells of each row, one for each column.
        note: the text after the table.

    Raises:
        ValueError: a row has more or fewer cells than the header.
    """
    lines = [_line(header), "|---" * len(header) + "|"]
    for row in rows:
        if len(row) != len(header):
            raise ValueError(f"expected {len(header)} cells, as {header} has, got {list(row)}")
        lines.append(_line(row))
    return "\n".join([*lines, "", note] if note else lines)


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"

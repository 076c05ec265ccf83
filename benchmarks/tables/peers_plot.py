"""Draws docs/peers.svg from results/peers.json: one panel per model, the fastest bar on top."""

from __future__ import annotations

from html import escape

from tables.peers import NONE_YET, is_ours, is_reduced, title

WIDTH, LABEL, BAR, GAP, HEAD = 760, 210, 14, 4, 34
SCALE = WIDTH - LABEL - 90  # room for the number after the longest bar
COLORS = {  # ours, reduced precision
    (True, False): "#d55e00",
    (True, True): "#e69f00",
    (False, False): "#0072b2",
    (False, True): "#56b4e9",
}
LEGEND = "orange hvit-edge, blue peers; darker float32, lighter reduced precision"


def figure(report: dict) -> str:
    """Return the drawing for the largest number of threads that was measured."""
    threads = max((row["threads"] for row in report["rows"]), default=0)
    timed = [r for r in report["rows"] if r["threads"] == threads and "median_ms" in r]
    if not timed:
        return _document([_text(0, HEAD // 2, NONE_YET)], HEAD)
    drawn = [_text(0, HEAD // 2, f"{threads} threads, median ms (10 to 90 %); {LEGEND}")]
    top = HEAD
    for model in dict.fromkeys(row["model"] for row in timed):
        rows = sorted((r for r in timed if r["model"] == model), key=lambda r: r["median_ms"])
        drawn += _panel(model, rows, top)
        top += HEAD + len(rows) * (BAR + GAP)
    return _document(drawn, top)


def _panel(model: str, rows: list[dict], top: int) -> list[str]:
    scale = SCALE / max(row["p90_ms"] for row in rows)
    drawn = [_text(0, top + HEAD // 2, model, weight="bold")]
    for index, row in enumerate(rows):
        y = top + HEAD + index * (BAR + GAP) - GAP
        middle = y + BAR / 2
        low, length, high = (LABEL + row[key] * scale for key in ("p10_ms", "median_ms", "p90_ms"))
        color = COLORS[is_ours(row), is_reduced(row)]
        name = title(row).replace("*", "")
        drawn += [
            _text(LABEL - 6, y + BAR - 3, name, anchor="end"),
            f'<rect x="{LABEL}" y="{y}" width="{length - LABEL:.1f}" height="{BAR}"'
            f' fill="{color}"/>',
            f'<path d="M{low:.1f} {middle}H{high:.1f}" stroke="#000"/>',
            _text(max(length, high) + 6, y + BAR - 3, f"{row['median_ms']:.1f}"),
        ]
    return drawn


def _text(x: float, y: float, words: str, *, anchor: str = "start", weight: str = "normal") -> str:
    return (
        f'<text x="{x:.1f}" y="{y}" text-anchor="{anchor}" font-weight="{weight}">'
        f"{escape(words)}</text>"
    )


def _document(drawn: list[str], height: int) -> str:
    opening = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="-8 0 {WIDTH + 16} {height + 8}"'
        ' font-family="sans-serif" font-size="12">'
    )
    ground = f'<rect x="-8" width="{WIDTH + 16}" height="{height + 8}" fill="#fff"/>'
    return "\n".join([opening, ground, *drawn, "</svg>"]) + "\n"

"""Draw charts of the report as SVG inside of the page."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH, ROW, LEFT = 640, 24, 200
HEIGHT, MARGIN = 300, 48


@dataclass(frozen=True)
class Point:
    """Holds an artifact of the Pareto plot: its time in ms, its accuracy (0 to 1), its bytes."""

    name: str
    time: float
    accuracy: float
    size: float | None = None


def bars(title: str, rows: Sequence[tuple[str, float]], unit: str) -> str:
    """Return a bar for each name and number that is not negative."""
    most = max((value for _, value in rows), default=0.0) or 1.0
    drawn = []
    for index, (name, value) in enumerate(rows):
        y, wide = ROW * index, (WIDTH - LEFT - 90) * max(value, 0) / most
        drawn.append(
            f'<text x="0" y="{y + 16}">{escape(name[-26:])}<title>{escape(name)}</title></text>'
            f'<rect class="bar" x="{LEFT}" y="{y + 3}" width="{wide:.1f}" height="{ROW - 6}"/>'
            f'<text x="{LEFT + wide + 6:.1f}" y="{y + 16}">{value:.3g} {escape(unit)}</text>'
        )
    return _svg(title, ROW * len(rows), drawn)


def best(points: Sequence[Point]) -> list[Point]:
    """Return the points that no other one beats in time and accuracy, the fastest first."""
    ranked = sorted(points, key=lambda each: (each.time, -each.accuracy))
    front: list[Point] = []
    for point in ranked:
        if not front or point.accuracy > front[-1].accuracy:
            front.append(point)
    return front


def pareto(points: Sequence[Point], measure: str) -> str:
    """Return the plot of accuracy over time; the area of a point is the size of the file."""
    times, shares = [each.time for each in points], [each.accuracy for each in points]
    most = max(each.size or 0 for each in points) or 1.0
    wide, high = WIDTH - 2 * MARGIN - 120, HEIGHT - 2 * MARGIN

    def place(point: Point) -> tuple[float, float]:
        x = MARGIN + wide * point.time / max(times)
        low, span = min(shares), (max(shares) - min(shares)) or 1.0
        return x, HEIGHT - MARGIN - high * (point.accuracy - low) / span

    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in map(place, best(points)))
    drawn = [
        f'<path class="axis" fill="none" d="M{MARGIN} {MARGIN / 2}V{HEIGHT - 24}H{WIDTH}"/>',
        f'<polyline class="axis" fill="none" stroke-dasharray="4" points="{line}"/>',
        f'<text x="{MARGIN}" y="14">{escape(measure)}, up is better</text>',
        f'<text x="{WIDTH - 210}" y="{HEIGHT - 6}">median in ms, left is better</text>',
    ]
    for point in points:
        x, y = place(point)
        radius = 4 + 10 * math.sqrt((point.size or 0) / most)
        label = f"{point.name}: {point.time:.3g} ms, {point.accuracy:.2%}"
        drawn.append(
            f'<circle class="point" fill-opacity=".5" cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}">'
            f"<title>{escape(label)}</title></circle>"
            f'<text x="{x + radius + 4:.1f}" y="{y + 4:.1f}">{escape(point.name[-18:])}</text>'
        )
    return _svg(f"{measure} over time", HEIGHT, drawn)


def _svg(title: str, height: int, drawn: Sequence[str]) -> str:
    return (
        f'<svg class="plot" viewBox="0 0 {WIDTH} {height}" role="img"'
        f' aria-label="{escape(title)}">{"".join(drawn)}</svg>'
    )

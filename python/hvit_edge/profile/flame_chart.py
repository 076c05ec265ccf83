"""Draw a profile as one HTML file: operators below their modules, in the order of execution."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from pathlib import Path

from hvit_edge.profile.profiling import TIME, OperatorCost, Profile, share

UNKNOWN = "module unknown"
ROOT = "the model"
WIDTH, ROW = 1200, 22  # units of the drawing
LETTER = 7.3  # approximate width of a letter
ASSETS = Path(__file__).parents[1] / "assets" / "report"
OUTSIDE = "outside of operators"

COLORS = {
    "gemm": "#e4674c",
    "convolution": "#e79a3c",
    "depthwise": "#e8c14a",
    "attention": "#d98bc4",
    "softmax": "#b576c9",
    "elementwise": "#6aa9d8",
    "reductions": "#7f8fd8",
    "quantise": "#5fbfae",
    "copies": "#8fbf6b",
    "resize and pool": "#c99a7a",
    "outside delegates": "#a3715f",
    "other": "#b0b0b0",
}
MODULE_COLOR, OUTSIDE_COLOR = "#dedede", "#f2f2f2"


@dataclass
class Box:
    """Describes a rectangle of the chart.

    Attributes:
        label: a component of a module's path, or the name of an operator.
        path: complete path of the module, or of the operator's module.
        group: group of an operator; None for a module.
        depth: number of rows from the top.
        start, cost: position and width in the unit of the profile.
    """

    label: str
    path: str
    group: str | None
    depth: int
    start: float
    cost: float


def boxes(profile: Profile) -> list[Box]:
    """Return the rectangles of the chart; adjacent operators of a module share its rectangle."""
    done: list[Box] = []
    opened: list[Box] = []
    position = 0.0
    for operator in profile.operators:
        parts = _parts(operator)
        kept = 0
        while kept < min(len(parts), len(opened)) and opened[kept].label == parts[kept]:
            kept += 1
        del opened[kept:]
        for depth in range(kept, len(parts)):
            path = ".".join(parts[: depth + 1])
            opened.append(Box(parts[depth], path, None, depth, position, 0))
            done.append(opened[-1])
        for box in opened:
            box.cost += operator.cost
        owner = ".".join(parts)
        done.append(Box(operator.name, owner, operator.group, len(parts), position, operator.cost))
        position += operator.cost
    return done


def _parts(operator: OperatorCost) -> list[str]:
    return place_of(operator).split(".") if operator.module else [place_of(operator)]


def place_of(operator: OperatorCost) -> str:
    """Return the module of an operator in words, if it has none."""
    return UNKNOWN if operator.module is None else operator.module or ROOT


def render(profile: Profile) -> str:
    """Return the text of the HTML file, which loads no other file."""
    title = escape(f"{profile.artifact} on {profile.device}")
    return "\n".join(
        [
            '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{title}</title>\n<style>{asset('page.css')}</style>\n</head>\n<body>\n<main>",
            f"<h1>{title}</h1>",
            chart(profile),
            "\n".join(_table(profile)),
            f"</main>\n<script>{asset('flame.js')}</script>\n</body>\n</html>\n",
        ]
    )


def asset(name: str) -> str:
    """Return the text of a file of `assets/report`."""
    return (ASSETS / name).read_text("utf-8")


def chart(profile: Profile) -> str:
    """Return the chart as an element of HTML; `flame.js` makes it zoom and search."""
    how = (
        f"medians of {profile.iterations} runs after {profile.warmup} of warmup,"
        f" {profile.threads} threads"
        if profile.unit == TIME
        else "guest instructions of one inference on one thread"
    )
    return "\n".join(
        [
            f"<p>{escape(amount(profile.total, profile.unit))}: {how}. Operators are in the order"
            " of execution, from left to right; submodules and operators are below their module."
            " Hover over a box for details, click it to zoom.</p>",
            _legend(profile),
            '<div class="flame">',
            '<div class="tools" hidden><label>Search <input type="search"'
            ' placeholder="module or operator"></label>'
            '<button type="button">Show all</button><output></output></div>',
            "\n".join(_drawing(profile)),
            "</div>",
        ]
    )


def amount(cost: float, unit: str) -> str:
    """Return a cost as text, such as "1.234 ms" or "1.234 M instructions"."""
    return f"{cost / 1e6:.3f} {'ms' if unit == TIME else 'M instructions'}"


def _legend(profile: Profile) -> str:
    present = {operator.group for operator in profile.operators}
    entries = [
        f'<li><span style="background:{color}"></span>{escape(group)}</li>'
        for group, color in COLORS.items()
        if group in present
    ]
    return '<ul class="legend">' + "".join(entries) + "</ul>"


def _drawing(profile: Profile) -> Iterator[str]:
    drawn = boxes(profile)
    inside = sum(operator.cost for operator in profile.operators)
    outside = max(profile.outside, 0)
    if outside:
        drawn.append(Box(OUTSIDE, "", None, 0, inside, outside))
    whole = inside + outside
    height = ROW * (1 + max((box.depth for box in drawn), default=0))
    yield (
        f'<svg viewBox="0 0 {WIDTH} {height}" xmlns="http://www.w3.org/2000/svg" role="group"'
        f' aria-label="flame chart" data-whole="{whole}" data-unit="{profile.unit}">'
    )
    for index, box in enumerate(drawn):
        yield _element(box, profile, whole, first=index == 0)
    yield "</svg>"


def _element(box: Box, profile: Profile, whole: float, *, first: bool) -> str:
    x, width = (WIDTH * share(value, whole) for value in (box.start, box.cost))
    y = ROW * box.depth
    letters = int(width / LETTER) - 1
    shown = escape(box.label[:letters]) if letters >= 2 else ""
    text = escape(_tooltip(box, profile))
    return (
        f'<g role="button" tabindex="{0 if first else -1}"'
        f' data-start="{box.start}" data-cost="{box.cost}" data-label="{escape(box.label)}"'
        f' data-text="{escape(f"{box.path} {box.label}")}"><title>{text}</title>'
        f'<rect x="{x:.2f}" y="{y}" width="{width:.2f}" height="{ROW - 1}" fill="{_color(box)}"/>'
        f'<text aria-hidden="true" x="{x + 4:.2f}" y="{y + 15}">{shown}</text></g>'
    )


def _tooltip(box: Box, profile: Profile) -> str:
    text = f"{amount(box.cost, profile.unit)}, {share(box.cost, profile.total):.2%}"
    if box.label == OUTSIDE:
        return f"{OUTSIDE}: {text}"
    return f"{box.path}: {text}" if box.group is None else f"{box.label} in {box.path}: {text}"


def _color(box: Box) -> str:
    if box.group is not None:
        return COLORS[box.group]
    return OUTSIDE_COLOR if box.label == OUTSIDE else MODULE_COLOR


def _table(profile: Profile) -> Iterator[str]:
    yield (
        "<h2>Operators, the most expensive first</h2>"
        '\n<div class="wide" tabindex="0" role="region" aria-label="operators"><table><thead>'
    )
    yield "<tr><th>operator</th><th>module</th><th>cost</th><th>share</th></tr></thead>"
    for operator in sorted(profile.operators, key=lambda each: -each.cost):
        yield (
            f"<tr><td>{escape(operator.name)}</td><td>{escape(place_of(operator))}</td>"
            f'<td class="number">{escape(amount(operator.cost, profile.unit))}</td>'
            f'<td class="number">{share(operator.cost, profile.total):.2%}</td></tr>'
        )
    yield "</table></div>"

"""Draw a profile as one HTML file: operators below their modules, in the order of execution."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape

from hvit_edge.profile.profiling import TIME, OperatorCost, Profile, share

UNKNOWN = "module unknown"
WIDTH, ROW = 1600, 19  # units of the drawing
LETTER = 6.6  # approximate width of a letter
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

STYLE = """
body { font: 14px sans-serif; margin: 24px; color: #222; }
svg { width: 100%; font: 11px monospace; }
svg rect { stroke: #fff; stroke-width: 0.5; }
table { border-collapse: collapse; }
td, th { padding: 2px 12px 2px 0; text-align: left; }
td.number { text-align: right; }
span.color { display: inline-block; width: 12px; height: 12px; margin: 0 4px 0 16px; }
"""


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
    return [UNKNOWN] if operator.module is None else operator.module.split(".")


def render(profile: Profile) -> str:
    """Return the text of the HTML file, which loads no other file and runs no script."""
    title = escape(f"{profile.artifact} on {profile.device}")
    how = (
        f"medians of {profile.iterations} runs after {profile.warmup} of warmup,"
        f" {profile.threads} threads"
        if profile.unit == TIME
        else "guest instructions of one inference on one thread"
    )
    return "\n".join(
        [
            '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
            f"<title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>",
            f"<h1>{title}</h1>",
            f"<p>{escape(amount(profile.inference, profile.unit))}: {how}. Operators are in the"
            " order of execution, from left to right; submodules and operators are below their"
            " module. Hover over a box for details.</p>",
            _legend(profile),
            "\n".join(_drawing(profile)),
            "\n".join(_table(profile)),
            "</body>\n</html>\n",
        ]
    )


def amount(cost: float, unit: str) -> str:
    """Return a cost as text, such as "1.234 ms" or "1.234 M instructions"."""
    return f"{cost / 1e6:.3f} {'ms' if unit == TIME else 'M instructions'}"


def _legend(profile: Profile) -> str:
    present = {operator.group for operator in profile.operators}
    entries = [
        f'<span class="color" style="background:{color}"></span>{escape(group)}'
        for group, color in COLORS.items()
        if group in present
    ]
    return "<p>" + "".join(entries) + "</p>"


def _drawing(profile: Profile) -> Iterator[str]:
    drawn = boxes(profile)
    inside = sum(operator.cost for operator in profile.operators)
    outside = max(profile.outside, 0)
    if outside:
        drawn.append(Box(OUTSIDE, "", None, 0, inside, outside))
    whole = inside + outside
    height = ROW * (1 + max((box.depth for box in drawn), default=0))
    yield f'<svg viewBox="0 0 {WIDTH} {height}" xmlns="http://www.w3.org/2000/svg">'
    for box in drawn:
        x, width = (WIDTH * share(value, whole) for value in (box.start, box.cost))
        y = ROW * box.depth
        yield f"<g><title>{escape(_tooltip(box, profile))}</title>"
        yield (
            f'<rect x="{x:.2f}" y="{y}" width="{width:.2f}" height="{ROW - 1}"'
            f' fill="{_color(box)}"/>'
        )
        letters = int(width / LETTER) - 1
        if letters >= 2:
            yield f'<text x="{x + 3:.2f}" y="{y + 13}">{escape(box.label[:letters])}</text>'
        yield "</g>"
    yield "</svg>"


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
    yield "<h2>Operators, the most expensive first</h2>\n<table>"
    yield "<tr><th>operator</th><th>module</th><th>cost</th><th>share</th></tr>"
    for operator in sorted(profile.operators, key=lambda each: -each.cost):
        yield (
            f"<tr><td>{escape(operator.name)}</td><td>{escape(operator.module or UNKNOWN)}</td>"
            f'<td class="number">{escape(amount(operator.cost, profile.unit))}</td>'
            f'<td class="number">{share(operator.cost, profile.total):.2%}</td></tr>'
        )
    yield "</table>"

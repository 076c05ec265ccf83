"""Format results as aligned plain text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

SHOWN_OUTSIDE = 8
"""Number of operators outside delegates that are named; there may be hundreds."""


def fields(pairs: Iterable[tuple[str, object]]) -> str:
    """Return names and values in two columns; a value of several lines stays in its column."""
    pairs = [(name, str(value)) for name, value in pairs]
    width = max(len(name) for name, _ in pairs)
    lines = []
    for name, value in pairs:
        first, *more = value.splitlines() or [""]
        lines.append(f"  {name:<{width}}  {first}".rstrip())
        lines += [f"  {'':<{width}}  {line}".rstrip() for line in more]
    return "\n".join(lines)


def table(
    header: Sequence[str], rows: Iterable[Sequence[str]], *, left: Sequence[int] = (0,)
) -> str:
    """Return a table; columns in `left` are aligned left, the others right."""
    cells = [list(header), *(list(row) for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(header))]
    lines = []
    for row in cells:
        aligned = [
            f"{cell:<{width}}" if column in left else f"{cell:>{width}}"
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  " + "  ".join(aligned).rstrip())
    return "\n".join(lines)


def size(bytes_: int) -> str:
    """Return a number of bytes as KiB or MiB."""
    return f"{bytes_ / 2**20:.1f} MiB" if bytes_ >= 2**20 else f"{bytes_ / 2**10:.1f} KiB"


def percent(value: float) -> str:
    """Return a share from 0 to 1 as a percentage with two decimals."""
    return f"{100 * value:.2f} %"


def decibel(value: float | None) -> str:
    """Return an SQNR in dB with one decimal, or `none`."""
    return "none" if value is None else f"{value:.1f} dB"


def counts(names: Iterable[str]) -> str:
    """Return how often each name occurs, the most frequent first: `int8 34, fp32 7`."""
    return ", ".join(f"{name} {count}" for name, count in Counter(names).most_common())


def outside(operators: Iterable[tuple[str, str]], path: str) -> list[str]:
    """Return lines that name operators outside the delegates, those of one module together.

    Args:
        operators: operator and module of each.
        path: path of the artifact.
    """
    found = Counter(operators)
    if not found:
        return []
    named = [
        f"{operator} in {module or 'the root'}{f', {count} times' if count > 1 else ''}"
        for (operator, module), count in found.most_common(SHOWN_OUTSIDE)
    ]
    if len(found) > SHOWN_OUTSIDE:
        named.append(f"... and {len(found) - SHOWN_OUTSIDE} more; --format json has all")
    return [*named, f"hvit-edge profile {path} measures their share of the time"]


def parity_table(steps: Iterable[dict]) -> str:
    """Return a table of the differences between each step and its reference."""
    steps = list(steps)
    if any("outputs" in step for step in steps):
        return _output_table(steps)
    rows = [
        (
            step["name"],
            step["reference"],
            *_measured(step),
            percent(step["top1_agree"]),
            "ok" if step["passed"] else "BREAKS",
        )
        for step in steps
    ]
    header = ("step", "against", "max rel", "cosine", "SQNR", "top-1 agrees", "")
    return table(header, rows, left=(0, 1))


def _output_table(steps: list[dict]) -> str:
    """Return a table of the differences of each output, for models without classes."""
    rows = [
        (
            step["name"],
            step["reference"],
            output["name"],
            *_measured(output),
            "ok" if output["passed"] else "BREAKS",
        )
        for step in steps
        for output in step["outputs"]
    ]
    header = ("step", "against", "output", "max rel", "cosine", "SQNR", "")
    return table(header, rows, left=(0, 1, 2))


def _measured(one: dict) -> tuple[str, str, str]:
    return f"{one['max_rel']:.2e}", f"{one['cosine']:.7f}", decibel(one["sqnr_db"])


def tensor(spec: dict) -> str:
    """Describe an input or output: `x: float32 [1, 5]`, without its name if it has none."""
    described = f"{spec['dtype']} [{', '.join(str(side) for side in spec['shape'])}]"
    return f"{spec['name']}: {described}" if spec.get("name") else described


def preprocess(spec: dict, source: str) -> str:
    """Describe a preprocessing and its source in several lines."""
    height, width = spec["input_size"]
    resize = f"stretch to {height}x{width}"
    if spec["resize_size"]:
        sides = "both sides" if spec["resize"] == "stretch" else "shorter side"
        down = ", rounded down" if spec["resize"] == "shortest-floor" else ""
        resize = f"{sides} to {spec['resize_size']}, center crop {height}x{width}{down}"
    mean, std = (", ".join(f"{value:g}" for value in spec[key]) for key in ("mean", "std"))
    described = (
        f"{resize}, {spec['interpolation']}\n"
        f"{spec['channel_order']}, (byte / 255 - mean) / std\nmean {mean}\nstd {std}"
    )
    return f"{described}\n({said_by(source)})" if source else described


def weights(name: str, key: str) -> str:
    """Return the source of the weights, and the key of the set if one was chosen."""
    return f"{name}, key {key}" if key else name


def said_by(name: str) -> str:
    """Return a source as a remark: `from config.json`, or `assumed: ...` unchanged."""
    return name if name.startswith("assumed") else f"from {name}"

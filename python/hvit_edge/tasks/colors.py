"""Read the colors of classes, and define the ones that masks have by default."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from hvit_edge.errors import InputError

_WRITTEN = re.compile(r"#[0-9a-f]{6}")
BITS = 8


def read_colors(colors: Sequence[object], where: str) -> tuple[str, ...]:
    """Return colors as text, `#rrggbb` in lower case.

    Args:
        colors: for each class its color: such a text, or (red, green, blue) from 0 to 255.
        where: name of the public function or class, for messages.

    Raises:
        InputError: an item is no color.
    """
    if isinstance(colors, str):
        raise InputError(f"[{where}] colors: expected one for each class, got the text {colors!r}")
    if not isinstance(colors, Iterable):
        raise InputError(
            f"[{where}] colors: expected a list with one for each class, or () for those of Pascal"
            f" VOC, got {colors!r}"
        )
    return tuple(_read(index, color, where) for index, color in enumerate(colors))


def palette_color(index: int) -> str:
    """Return the color of a class in the palette of Pascal VOC.

    The bits of the index are dealt to red, green and blue in turn, from the lowest on. Each channel
    is filled from its highest bit down.
    """
    channels = [0, 0, 0]
    for place in range(BITS):
        for channel in range(3):
            channels[channel] |= (index >> (3 * place + channel) & 1) << (BITS - 1 - place)
    return "#{:02x}{:02x}{:02x}".format(*channels)


def colors_of(count: int, colors: Sequence[str] = ()) -> tuple[str, ...]:
    """Return the color of each of `count` classes: the given ones, or those of the palette."""
    return tuple(colors) or tuple(map(palette_color, range(count)))


def _read(index: int, color: object, where: str) -> str:
    if isinstance(color, str) and _WRITTEN.fullmatch(color.lower()):
        return color.lower()
    if isinstance(color, Sequence) and not isinstance(color, str) and len(color) == 3:
        numbers = [int(one) for one in color if not isinstance(one, bool) and _is_byte(one)]
        if len(numbers) == 3:
            return "#{:02x}{:02x}{:02x}".format(*numbers)
    raise InputError(
        f"[{where}] colors: expected '#rrggbb' or (red, green, blue) from 0 to 255 for class"
        f" {index}, got {color!r}"
    )


def _is_byte(value: object) -> bool:
    try:
        return value in range(256)
    except (TypeError, ValueError):
        return False

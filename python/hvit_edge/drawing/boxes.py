"""Draw boxes with labels over a photo."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from hvit_edge.drawing.picture import (
    Color,
    Font,
    enlarged,
    font_for,
    readable_on,
    rgb,
    scale_of,
    text_height,
)

Corners = tuple[float, float, float, float]


@dataclass(frozen=True)
class DrawnBox:
    """Holds a box in pixels of the photo, its text, and its color `#rrggbb`."""

    x: float
    y: float
    width: float
    height: float
    text: str
    color: str


def draw_boxes(photo: np.ndarray, boxes: Sequence[DrawnBox]) -> Image.Image:
    """Draw boxes over a photo, the first one on top.

    Each box has a line of its color between a black and a white one, and its text is on a plate of
    that color, so that both are visible on any photo. A plate moves down if another is in its
    place. A small photo is enlarged by a whole factor.

    Args:
        photo: uint8 RGB [height, width, 3].
        boxes: the boxes, the best first.
    """
    scale = scale_of(*photo.shape[:2])
    picture = Image.fromarray(enlarged(photo, scale))
    draw = ImageDraw.Draw(picture)
    line = max(3, round(min(picture.size) / 160))
    font = font_for(picture.height, picture.width)
    for box in reversed(boxes):
        x, y = box.x * scale, box.y * scale
        _frame(draw, (x, y, x + box.width * scale, y + box.height * scale), rgb(box.color), line)
    taken: list[Corners] = []
    for box in boxes:
        plate = _plate(box, scale, picture.size, font, line, taken)
        taken.append(plate)
        _label(draw, plate, box.text, rgb(box.color), font)
    return picture


def _frame(draw: ImageDraw.ImageDraw, corners: Corners, color: Color, line: int) -> None:
    """Draw a frame: black outside, the color, white inside."""
    left, top, right, bottom = (round(side) for side in corners)
    right, bottom = max(left, right - 1), max(top, bottom - 1)
    thin = max(1, line // 3)
    for grown, width, shade in (
        (thin, thin, (0, 0, 0)),
        (0, line, color),
        (-line, thin, (255, 255, 255)),
    ):
        place = (left - grown, top - grown, right + grown, bottom + grown)
        if place[2] >= place[0] and place[3] >= place[1]:
            draw.rectangle(place, outline=shade, width=width)


def _plate(
    box: DrawnBox,
    scale: int,
    size: tuple[int, int],
    font: Font,
    line: int,
    taken: Sequence[Corners],
) -> Corners:
    """Return the place of a label: above its box, or inside if there is no room."""
    width, height = font.getlength(box.text) + 2 * line, text_height(font) + line
    x = max(0.0, min(box.x * scale, size[0] - width))
    y = box.y * scale - height
    if y < 0:
        y = box.y * scale
    for _ in taken:
        hit = next((each for each in taken if _overlap(each, (x, y, x + width, y + height))), None)
        if hit is None or hit[3] + height > size[1]:
            break
        y = hit[3]
    return x, y, x + width, y + height


def _overlap(one: Corners, other: Corners) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _label(draw: ImageDraw.ImageDraw, plate: Corners, text: str, color: Color, font: Font) -> None:
    ink = readable_on(color)
    draw.rectangle(plate, fill=color, outline=ink)
    padding = (plate[2] - plate[0] - font.getlength(text)) / 2
    draw.text((plate[0] + padding, plate[1] + padding / 2), text, fill=ink, font=font)

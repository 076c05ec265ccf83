"""Draw a mask over a photo, with a legend below it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

from hvit_edge.drawing.picture import Font, enlarged, font_for, rgb, scale_of, text_height
from hvit_edge.errors import InputError

SHARE = 0.55
"""Share of the color where a class is blended with the photo; its border has the color alone."""
BACKGROUND = "background"


def draw_mask(
    photo: np.ndarray, classes: np.ndarray, colors: Sequence[str], labels: Sequence[str] = ()
) -> Image.Image:
    """Blend the color of each pixel's class with the photo.

    Class 0 is not colored if its label is "background" or if there are no labels. A small photo is
    enlarged by a whole factor. The legend names the classes of the mask, that of the largest area
    first.

    Args:
        photo: uint8 RGB [height, width, 3].
        classes: integers [height, width].
        colors: color of each class, `#rrggbb`.
        labels: name of each class, or none.

    Raises:
        InputError: the mask has another size than the photo.
    """
    if classes.shape != photo.shape[:2]:
        raise InputError(
            f"[draw] expected a mask of the photo's size {list(photo.shape[:2])}, got"
            f" {list(classes.shape)}; draw it over the photo that was segmented"
        )
    scale = scale_of(*classes.shape)
    mask, pixels = enlarged(classes, scale), enlarged(photo, scale)
    table = np.array([rgb(color) for color in colors], np.float32)
    share = np.where(_borders(mask, max(1, min(mask.shape) // 400)), 1, SHARE)
    share = np.where(_is_plain(labels) & (mask == 0), 0, share)[..., np.newaxis]
    blended = (1 - share) * pixels + share * table[mask]
    picture = Image.fromarray(blended.round().astype(np.uint8))
    values, counts = np.unique(classes, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    entries = [
        (rgb(colors[value]), labels[value] if labels else f"class {value}", share_of)
        for value, share_of in zip(
            values[order].tolist(), (counts[order] / classes.size).tolist(), strict=True
        )
        if value or not _is_plain(labels)
    ]
    return _with_legend(picture, entries)


def _is_plain(labels: Sequence[str]) -> bool:
    """Return True if class 0 is the background, which keeps the photo's colors."""
    return not labels or labels[0].strip("_ ").casefold() == BACKGROUND


def _borders(mask: np.ndarray, width: int) -> np.ndarray:
    """Return the pixels that are within `width` of another class on their right or below."""
    found = np.zeros(mask.shape, bool)
    for step in range(1, width + 1):
        found[:, :-step] |= mask[:, :-step] != mask[:, step:]
        found[:-step] |= mask[:-step] != mask[step:]
    return found


def _with_legend(
    picture: Image.Image, entries: Sequence[tuple[tuple[int, int, int], str, float]]
) -> Image.Image:
    font = font_for(picture.height, picture.width)
    line = round(text_height(font) * 1.5)
    margin = line // 3
    texts = [f"{label} {100 * share:.1f} %" for _, label, share in entries] or ["no object"]
    widths = [line + font.getlength(text) + 2 * margin for text in texts]
    places, rows = _flow(widths, picture.width - margin)
    height = picture.height + rows * line + 2 * margin
    whole = Image.new("RGB", (picture.width, height), (255, 255, 255))
    whole.paste(picture, (0, 0))
    draw = ImageDraw.Draw(whole)
    for number, ((x, row), text) in enumerate(zip(places, texts, strict=True)):
        corner = (x + margin, picture.height + margin + row * line)
        _entry(draw, corner, line, text, font, entries[number][0] if entries else None)
    return whole


def _entry(
    draw: ImageDraw.ImageDraw,
    corner: tuple[float, float],
    line: int,
    text: str,
    font: Font,
    color: tuple[int, int, int] | None,
) -> None:
    x, y = corner
    if color is not None:
        side = round(line * 0.7)
        draw.rectangle((x, y, x + side, y + side), fill=color, outline=(0, 0, 0))
        x += line
    draw.text((x, y), text, fill=(0, 0, 0), font=font)


def _flow(widths: Sequence[float], limit: float) -> tuple[list[tuple[float, int]], int]:
    """Return the place and row of each entry, and the number of rows of at most `limit` pixels."""
    places: list[tuple[float, int]] = []
    x, row = 0.0, 0
    for width in widths:
        if x and x + width > limit:
            x, row = 0.0, row + 1
        places.append((x, row))
        x += width
    return places, row + 1

"""Prepare the picture to draw on, its fonts and its file."""

from __future__ import annotations

import io
import math
from pathlib import Path
from typing import TypeAlias

import numpy as np
from PIL import Image, ImageFont

from hvit_edge.errors import InputError
from hvit_edge.images.file_names import printable

SMALLEST, LARGEST = 320, 1280
"""Shorter side to which a small photo is enlarged, if its longer side stays within the second."""
FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP"}
LONGEST = {"JPEG": 65500, "WEBP": 16383}
"""Pixels that a side of a picture may have in formats with a limit."""
QUALITY = 92

Color: TypeAlias = tuple[int, int, int]
Font: TypeAlias = ImageFont.FreeTypeFont | ImageFont.ImageFont


def check_suffix(path: Path) -> None:
    """Raise InputError if a picture cannot be written with the suffix of its name."""
    if path.suffix.lower() not in FORMATS:
        raise InputError(
            f"[draw] expected a picture whose name ends in {', '.join(FORMATS)}, got"
            f" {printable(path)}; name a PNG file"
        )


def encode(picture: Image.Image, path: Path) -> bytes:
    """Return a picture as the content of a file of the format that its name has.

    Raises:
        InputError: the format does not have pictures of this name or size.
    """
    check_suffix(path)
    kind = FORMATS[path.suffix.lower()]
    if max(picture.size) > LONGEST.get(kind, math.inf):
        width, height = picture.size
        raise InputError(
            f"[draw] {printable(path)}: expected sides of at most {LONGEST[kind]} pixels in {kind},"
            f" got {width}x{height}; name a PNG file"
        )
    stream = io.BytesIO()
    picture.save(stream, kind, quality=QUALITY)
    return stream.getvalue()


def scale_of(height: int, width: int) -> int:
    """Return the whole factor by which a photo is enlarged, so that text fits on small ones."""
    wanted = math.ceil(SMALLEST / min(height, width))
    return max(1, min(wanted, LARGEST // max(height, width)))


def enlarged(pixels: np.ndarray, scale: int) -> np.ndarray:
    """Repeat each pixel of [height, width, ...] `scale` times along both sides."""
    return pixels.repeat(scale, 0).repeat(scale, 1)


def font_for(height: int, width: int) -> Font:
    """Return a font whose size fits a picture of this size."""
    return ImageFont.load_default(max(13, round(min(height, width) / 28)))


def rgb(color: str) -> Color:
    """Return `#rrggbb` as three numbers."""
    red, green, blue = bytes.fromhex(color.removeprefix("#"))
    return red, green, blue


def readable_on(color: Color) -> Color:
    """Return black or white, whichever is easier to read on a color."""
    red, green, blue = color
    return (0, 0, 0) if 0.299 * red + 0.587 * green + 0.114 * blue > 140 else (255, 255, 255)


def text_height(font: Font) -> int:
    """Return the height of a line of text."""
    _, top, _, bottom = font.getbbox("Ag")
    return round(bottom + top)

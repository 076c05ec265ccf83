"""Which way up a photo is, from whatever part of its metadata can be read.

Pillow's `ImageOps.exif_transpose` writes the whole EXIF anew and fails if any tag of it has an
unusual type. Here the orientation is read by itself, from Pillow's view of the EXIF, else from its
bytes, else from XMP.
"""

from __future__ import annotations

import re
import struct
from typing import Any

import numpy as np
from PIL import Image

TAG = 0x0112
UPRIGHT = 1
# TIFF types: struct's letter and how many of them are one value. 2 and 7 are text and plain bytes.
TYPES = {
    1: ("B", 1),
    2: ("s", 1),
    3: ("H", 1),
    4: ("I", 1),
    5: ("I", 2),
    6: ("b", 1),
    7: ("s", 1),
    8: ("h", 1),
    9: ("i", 1),
    10: ("i", 2),
    11: ("f", 1),
    12: ("d", 1),
    13: ("I", 1),
}
MOST_VALUES = 4
XMP = re.compile(rb"tiff:Orientation\s*(?:=\s*[\"']|>)\s*([1-8])\s*[\"'<]")
XMP_KEYS = ("xmp", "XML:com.adobe.xmp")
RAW_PROFILE = "Raw profile type exif"


def orientation_of(image: Image.Image) -> int:
    """Return the orientation of an image that Pillow opened, 1 (upright) to 8.

    1 if none is known, or if it is no whole number from 1 to 8: viewers show such photos as
    they are stored.
    """
    if image.format == "HEIF":  # turned by its decoder; what EXIF and XMP say is to be ignored
        return UPRIGHT
    exif = image.info.get("exif")
    if image.format == "AVIF":  # whose own orientation Pillow puts in place of that in its EXIF
        return orientation_in(exif or b"")
    if not isinstance(exif, bytes):
        exif = _unhex(image.info.get(RAW_PROFILE))
    xmp = next((image.info[key] for key in XMP_KEYS if image.info.get(key)), b"")
    return _pillows(image) or orientation_in(exif, xmp)


def orientation_in(exif: bytes, xmp: bytes | str = b"") -> int:
    """Return the orientation that raw EXIF or, if it has none, XMP gives; 1 if neither does."""
    return _in_exif(exif) or _in_xmp(xmp) or UPRIGHT


def turn(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """Return `pixels`, [height, width, 3], upright and contiguous."""
    if orientation in (5, 6, 7, 8):
        pixels = pixels.transpose(1, 0, 2)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return np.ascontiguousarray(pixels)


def _pillows(image: Image.Image) -> int | None:
    """Return what Pillow finds: it alone reads TIFF, and knows whether it has turned the image."""
    try:
        return _plain(image.getexif().get(TAG))
    except Exception:  # any type of error, if any tag is damaged
        return None


def _in_exif(exif: bytes) -> int | None:
    """Return the orientation in the first directory of EXIF, which may be cut off after it."""
    while exif.startswith(b"Exif\0\0"):
        exif = exif[6:]
    order = {b"II": "<", b"MM": ">"}.get(exif[:2])
    if order is None:
        return None
    try:
        (directory,) = struct.unpack_from(order + "I", exif, 4)
        (entries,) = struct.unpack_from(order + "H", exif, directory)
        for start in range(directory + 2, directory + 2 + 12 * entries, 12):
            tag, kind, count = struct.unpack_from(order + "HHI", exif, start)
            if tag == TAG:
                return _plain(_entry(exif, order, kind, count, start + 8))
    except struct.error:
        pass
    return None


def _entry(exif: bytes, order: str, kind: int, count: int, start: int) -> Any:
    """Return an entry's values: a tuple of numbers, or bytes."""
    letter, parts = TYPES.get(kind, ("H", 1))
    if struct.calcsize(order + letter) * parts * count > 4:
        (start,) = struct.unpack_from(order + "I", exif, start)
    count = parts * min(max(count, 1), MOST_VALUES)
    values = struct.unpack_from(f"{order}{count}{letter}", exif, start)
    if letter == "s":
        return b"".join(values)
    if parts == 2:
        pairs = zip(values[::2], values[1::2], strict=True)
        return tuple(above / below if below else 0 for above, below in pairs)
    return values


def _plain(value: Any) -> int | None:
    """Return an orientation of any type as a number from 1 to 8; None if it is none."""
    if isinstance(value, bytes):
        value = value.strip(b"\0 ")
        if len(value) != 1:
            return None
        value = value[0] - ord("0") if value.isdigit() else value[0]
    elif isinstance(value, str):
        value = value.strip("\0 ")
        value = int(value) if value in "12345678" and len(value) == 1 else None
    elif isinstance(value, tuple):
        found = {_plain(item) for item in value} - {None}
        value = found.pop() if len(found) == 1 else None
    try:
        return int(value) if value in range(1, 9) else None
    except (TypeError, ValueError, ArithmeticError):
        return None


def _in_xmp(xmp: bytes | str) -> int | None:
    if isinstance(xmp, str):
        xmp = xmp.encode("utf-8", "replace")
    found = XMP.search(bytes(xmp).replace(b"\0", b""))  # of UTF-16 the letters remain
    return int(found[1]) if found else None


def _unhex(profile: Any) -> bytes:
    """Return the EXIF that ImageMagick writes into PNG as lines of hexadecimal digits."""
    if isinstance(profile, bytes):
        profile = profile.decode("latin-1")
    if not isinstance(profile, str):
        return b""
    digits = re.sub(r"[^0-9a-fA-F]", "", "".join(profile.split("\n")[3:]))
    return bytes.fromhex(digits[: len(digits) // 2 * 2])

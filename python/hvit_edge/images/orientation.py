"""Find the orientation of a photo in any part of its metadata that is readable.

Pillow's `ImageOps.exif_transpose` rewrites all of the EXIF, and fails if any tag has an unusual
type. This module reads only the orientation: from Pillow's view of the EXIF, else from the bytes of
the EXIF, else from XMP.
"""

from __future__ import annotations

import re
import struct
from typing import Any

import numpy as np
from PIL import Image

TAG = 0x0112
UPRIGHT = 1
# TIFF types: letter of struct, and number of them per value. 2 and 7 are text and bytes.
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

    It is 1 if the file has none, or if it is not an integer from 1 to 8. Viewers show such photos
    as stored.
    """
    if image.format == "HEIF":  # its decoder turns it, so EXIF and XMP do not matter
        return UPRIGHT
    exif = image.info.get("exif")
    if image.format == "AVIF":  # Pillow replaces the orientation in its EXIF with AVIF's own
        return orientation_in(exif or b"")
    if not isinstance(exif, bytes):
        exif = _unhex(image.info.get(RAW_PROFILE))
    xmp = next((image.info[key] for key in XMP_KEYS if image.info.get(key)), b"")
    return _pillows(image) or orientation_in(exif, xmp)


def orientation_in(exif: bytes, xmp: bytes | str = b"") -> int:
    """Return the orientation in raw EXIF, or else in XMP; 1 if neither has one."""
    return _in_exif(exif) or _in_xmp(xmp) or UPRIGHT


def turn(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """Return `pixels` [height, width, 3] upright and contiguous.

    Args:
        pixels: pixels as stored.
        orientation: EXIF orientation, 1 to 8.
    """
    if orientation in (5, 6, 7, 8):
        pixels = pixels.transpose(1, 0, 2)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return np.ascontiguousarray(pixels)


def _pillows(image: Image.Image) -> int | None:
    """Return the orientation that Pillow finds, or None.

    Only Pillow reads the tags of TIFF, and knows if it has turned the image.
    """
    try:
        return _plain(image.getexif().get(TAG))
    except Exception:  # a damaged tag may raise any exception
        return None


def _in_exif(exif: bytes) -> int | None:
    """Return the orientation in the first directory of EXIF, or None; the rest may be missing."""
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
    """Return an orientation of any type as a number from 1 to 8; None if it is not one."""
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
    found = XMP.search(bytes(xmp).replace(b"\0", b""))  # turns UTF-16 into ASCII
    return int(found[1]) if found else None


def _unhex(profile: Any) -> bytes:
    """Return the EXIF that ImageMagick stores in PNG as lines of hexadecimal digits."""
    if isinstance(profile, bytes):
        profile = profile.decode("latin-1")
    if not isinstance(profile, str):
        return b""
    digits = re.sub(r"[^0-9a-fA-F]", "", "".join(profile.split("\n")[3:]))
    return bytes.fromhex(digits[: len(digits) // 2 * 2])

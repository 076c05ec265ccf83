"""Pixels of any depth as 8-bit RGB: by the range that the file declares, else by the values.

    8 bits or fewer, indexed, CMYK, YCbCr, LAB    as Pillow converts them; alpha is dropped
    12 and 16 bits, grey or colour                the upper eight of the declared bits
    32-bit whole numbers                          the upper eight of the fewest of 8, 16 or 32 bits
                                                  (31 of signed ones) that hold the largest value
    floating point                                up to 1: times 255; from 2 to 255: rounded

Everything else is refused: negative values, NaN and infinity, other ranges, and a picture that
would only be black because no value reaches the upper eight bits, or nearly so because 16 bits
hold 12 or fewer.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image

from hvit_edge.errors import InputError

BITS_PER_SAMPLE, PHOTOMETRIC, SAMPLE_FORMAT = 258, 262, 339  # tags of TIFF
WHITE_IS_ZERO, SIGNED = 0, 2
TWELVE_BITS = 2**12  # from here on 16 bits are taken to be used
ROUNDING = 1e-6  # by how much a float may leave its range, relative to the range


@dataclass(frozen=True)
class Depth:
    """What an image file declares about its numbers.

    Attributes:
        bits: of a channel, of whole numbers; 8 if Pillow scales to it.
        signed: half of the range is negative.
        white_is_zero: the largest number is black, and Pillow leaves it so.
    """

    bits: int = 8
    signed: bool = False
    white_is_zero: bool = False


def declared_depth(image: Image.Image) -> Depth:
    """Return the depth of an image that Pillow has opened and not yet loaded."""
    deep = image.mode[0] in "IF"
    if image.format == "TIFF":
        tags = image.tag_v2
        return Depth(
            bits=_first(tags.get(BITS_PER_SAMPLE), 1),
            signed=deep and _first(tags.get(SAMPLE_FORMAT), 1) == SIGNED,
            white_is_zero=deep and tags.get(PHOTOMETRIC) == WHITE_IS_ZERO,
        )
    if image.mode == "I" and image.format not in ("PNG", "PPM"):
        return Depth(bits=32, signed=True)
    sixteen = image.mode[0] == "I" or any(";16" in str(tile[-1]) for tile in image.tile)
    return Depth(bits=16 if sixteen else 8)


def to_rgb(image: Image.Image, depth: Depth) -> np.ndarray:
    """Return a loaded image as uint8 [height, width, 3].

    Raises:
        InputError: no range fits the values; the message begins with what was expected.
    """
    if image.mode == "F":
        return _grey(_from_floats(np.asarray(image), depth))
    if image.mode[0] == "I":
        return _grey(_from_whole(_values(image, depth), depth))
    pixels = np.array(_plain(image).convert("RGB"))
    brightest = int(pixels.max())
    if depth.bits > 8 and brightest < _darkest(depth.bits) >> (depth.bits - 8):
        raise _too_dark(depth.bits, 2 ** (depth.bits - 8) * (brightest + 1) - 1)
    return pixels


def _first(value: object, default: int) -> int:
    value = value[0] if isinstance(value, tuple) and value else value
    return value if isinstance(value, int) else default


def _grey(values: np.ndarray) -> np.ndarray:
    return np.repeat(values.astype(np.uint8)[..., np.newaxis], 3, axis=2)


def _plain(image: Image.Image) -> Image.Image:
    """Return the image in a mode from which Pillow reaches RGB, without its transparent colour."""
    image.info.pop("transparency", None)  # dropped as alpha is; of a wrong type it stops Pillow
    return image.convert(image.mode.upper()) if image.mode in ("RGBa", "La") else image


def _values(image: Image.Image, depth: Depth) -> np.ndarray:
    values = np.asarray(image)
    if image.mode == "I" and depth.bits == 32 and not depth.signed:
        values = values.view(np.uint32)  # Pillow keeps the bits, and calls them signed
    return values


def _from_whole(values: np.ndarray, depth: Depth) -> np.ndarray:
    low, high = int(values.min()), int(values.max())
    if low < 0:
        raise InputError(f"whole numbers from 0, got {low}; shift and scale the values to 0..255")
    bits = depth.bits - depth.signed
    if depth.bits > 16:
        bits = next(size for size in (8, 16, bits) if high < 2**size)
    if depth.white_is_zero:
        values = (2**bits - 1) - values.astype(np.int64)
        high = int(values.max())
    if 0 < high < _darkest(bits):
        raise _too_dark(bits, high)
    return values >> (bits - 8)


def _from_floats(values: np.ndarray, depth: Depth) -> np.ndarray:
    low, high = float(values.min()), float(values.max())
    if not np.isfinite([low, high]).all():
        raise InputError("finite numbers, got NaN or infinity; replace them")
    top = 1 if high <= 1 + ROUNDING else 255
    if low < -ROUNDING * top or high > top * (1 + ROUNDING) or 1 + ROUNDING < high < 2:
        raise InputError(
            "floating-point values from 0 to 1 or from 0 to 255, got"
            f" {low:.6g} to {high:.6g}; scale them, or save with 8 bits a channel"
        )
    if depth.white_is_zero:
        values = top - values
    return np.rint(values * (255 / top)).clip(0, 255)  # of rounding errors alone


def _darkest(bits: int) -> int:
    """The least that the largest of whole numbers may be, for the photo to be no black one."""
    return TWELVE_BITS if bits in (15, 16) else 2 ** (bits - 8)


def _too_dark(bits: int, high: int) -> InputError:
    return InputError(
        f"values that use {bits} bits, got none above {high}: the photo would be black; scale"
        " them, or save with 8 bits a channel"
    )

"""Convert pixels of any depth to 8-bit RGB, by the declared range or else by the values.

    8 bits or fewer, indexed, CMYK, YCbCr, LAB    as Pillow converts them; alpha is dropped
    12 and 16 bits, gray or color                 the upper eight of the declared bits
    32-bit integers                               the upper eight of the fewest of 8, 16 or 32 bits
                                                  (31 if signed) that hold the largest value
    floating point                                up to 1: times 255; from 2 to 255: rounded

All other values are refused: negative values, NaN, infinity and other ranges. So are pictures that
would be black because no value reaches the upper eight bits, or nearly black because 16-bit values
use 12 bits or fewer.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image

from hvit_edge.errors import InputError

BITS_PER_SAMPLE, PHOTOMETRIC, SAMPLE_FORMAT = 258, 262, 339  # tags of TIFF
WHITE_IS_ZERO, SIGNED = 0, 2
TWELVE_BITS = 2**12  # 16-bit values must reach this number
ROUNDING = 1e-6  # tolerance of the range of floats, relative to the range


@dataclass(frozen=True)
class Depth:
    """Describes the numbers of an image file as it declares them.

    Attributes:
        bits: bits of an integer channel; 8 if Pillow scales to 8 bits.
        signed: half of the range is negative.
        white_is_zero: the largest number is black, and Pillow does not invert it.
    """

    bits: int = 8
    signed: bool = False
    white_is_zero: bool = False


def declared_depth(image: Image.Image) -> Depth:
    """Return the depth of an image that Pillow has opened but not loaded."""
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
        InputError: no range fits the values. The message begins with the expected values.
    """
    if image.mode == "F":
        return _gray(_from_floats(np.asarray(image), depth))
    if image.mode[0] == "I":
        return _gray(_from_whole(_values(image, depth), depth))
    pixels = np.array(_plain(image).convert("RGB"))
    brightest = int(pixels.max())
    if depth.bits > 8 and brightest < _darkest(depth.bits) >> (depth.bits - 8):
        raise _too_dark(depth.bits, 2 ** (depth.bits - 8) * (brightest + 1) - 1)
    return pixels


def _first(value: object, default: int) -> int:
    value = value[0] if isinstance(value, tuple) and value else value
    return value if isinstance(value, int) else default


def _gray(values: np.ndarray) -> np.ndarray:
    return np.repeat(values.astype(np.uint8)[..., np.newaxis], 3, axis=2)


def _plain(image: Image.Image) -> Image.Image:
    """Return the image in a mode that Pillow converts to RGB, without its transparent color."""
    image.info.pop("transparency", None)  # like alpha; Pillow fails if its type is wrong
    return image.convert(image.mode.upper()) if image.mode in ("RGBa", "La") else image


def _values(image: Image.Image, depth: Depth) -> np.ndarray:
    values = np.asarray(image)
    if image.mode == "I" and depth.bits == 32 and not depth.signed:
        values = values.view(np.uint32)  # Pillow keeps the bits, but its dtype is signed
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
    return np.rint(values * (255 / top)).clip(0, 255)  # clips only rounding errors


def _darkest(bits: int) -> int:
    """Return the smallest maximum of integer values for which a photo is not black."""
    return TWELVE_BITS if bits in (15, 16) else 2 ** (bits - 8)


def _too_dark(bits: int, high: int) -> InputError:
    return InputError(
        f"values that use {bits} bits, got none above {high}: the photo would be black; scale"
        " them, or save with 8 bits a channel"
    )

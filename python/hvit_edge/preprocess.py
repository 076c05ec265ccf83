"""Preprocess a photo to the input array of a network, by a specification.

This module is the reference (Pillow and numpy). `cpp/src/image/preprocess.cpp` implements the same
specification for devices, and tests compare the two.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from PIL import Image

from hvit_edge.boundary.public import public_methods
from hvit_edge.errors import InputError
from hvit_edge.images.load_image import load_image

__all__ = ["Preprocess", "check_image_array", "load_image"]

RESAMPLING = {
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}
RESIZES = ("shortest", "stretch", "shortest-floor")
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
MAX_RESIZED_PIXELS = 178_956_970  # Pillow's own limit against decompression bombs


@public_methods("__post_init__", "__call__")
@dataclass(frozen=True)
class Preprocess:
    """Specifies how a photo becomes the input of a network, and does it.

    Attributes:
        input_size: (height, width) of the network's input, in pixels.
        resize: "shortest" scales the shorter side to `resize_size` and crops the center, as
            torchvision does; "shortest-floor" the same, but half of an odd number of pixels is
            rounded down, as transformers does; "stretch" scales both sides to `resize_size` and
            crops the center, or to `input_size`.
        resize_size: size in pixels, at least as large as either side of the input. 0 means the
            longer side of the input; for "stretch" it means `input_size`.
        interpolation: "bilinear", "bicubic" or "lanczos", antialiased as in Pillow.
        mean, std: `x = (byte / 255 - mean) / std`, in the network's channel order.
        channel_order: "RGB" or "BGR", the order of the channels in the input of the network.

    Raises:
        InputError: a field has an impossible value. The message lists every fault.
    """

    input_size: tuple[int, int]
    resize: Literal["shortest", "stretch", "shortest-floor"] = "shortest"
    resize_size: int = 0
    interpolation: Literal["bilinear", "bicubic", "lanczos"] = "bicubic"
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    std: tuple[float, float, float] = (1.0, 1.0, 1.0)
    channel_order: Literal["RGB", "BGR"] = "RGB"

    def __post_init__(self) -> None:
        self._fill_resize_size()
        faults = self._faults()
        if faults:
            raise InputError("[Preprocess] " + "; ".join(faults))

    def _fill_resize_size(self) -> None:
        """Replace a `resize_size` of 0 with the longer side of the input, except for "stretch"."""
        sides = self.input_size
        shortest = self.resize in ("shortest", "shortest-floor")
        if shortest and self.resize_size == 0 and isinstance(sides, tuple):
            object.__setattr__(self, "resize_size", max(sides, default=0))

    def _faults(self) -> list[str]:
        faults = []
        if len(self.input_size) != 2 or min(self.input_size) < 1:
            faults.append(f"input_size: expected (height, width) >= 1, got {self.input_size}")
        if self.resize not in RESIZES:
            faults.append(f"resize: expected one of {', '.join(RESIZES)}, got {self.resize!r}")
        whole = self.resize == "stretch" and self.resize_size == 0
        if not whole and self.resize_size < max(self.input_size):
            faults.append(
                f"resize_size: expected at least {max(self.input_size)}"
                f"{', or 0' if self.resize == 'stretch' else ''}, got {self.resize_size}"
            )
        if self.interpolation not in RESAMPLING:
            faults.append(
                f"interpolation: expected one of {', '.join(RESAMPLING)}, got"
                f" {self.interpolation!r}"
            )
        if len(self.mean) != 3 or not np.all(np.isfinite(self.mean)):
            faults.append(f"mean: expected 3 finite numbers, got {self.mean}")
        if len(self.std) != 3 or not np.all(np.isfinite(self.std)) or min(self.std) <= 0:
            faults.append(f"std: expected 3 finite numbers > 0, got {self.std}")
        if self.channel_order not in ("RGB", "BGR"):
            faults.append(f"channel_order: expected 'RGB' or 'BGR', got {self.channel_order!r}")
        return faults

    def describe(self) -> str:
        """Describe resize, crop, filter, channels, mean and standard deviation in one line."""
        height, width = self.input_size
        resize = f"both sides to {height}x{width}"
        if self.resize_size:
            which = "both sides" if self.resize == "stretch" else "shorter side"
            resize = f"{which} to {self.resize_size}, center {height}x{width}"
        mean, std = (", ".join(f"{value:g}" for value in v) for v in (self.mean, self.std))
        order = self.channel_order
        return f"{resize}, {self.interpolation}, {order}, mean {mean}, std {std}"

    def resized_size(self, height: int, width: int) -> tuple[int, int]:
        """Return (height, width) of a photo of `height` x `width` after the resize."""
        if self.resize == "stretch":
            return (self.resize_size, self.resize_size) if self.resize_size else self.input_size
        short, long = min(height, width), max(height, width)
        scaled = int(self.resize_size * long / short)
        return (self.resize_size, scaled) if height <= width else (scaled, self.resize_size)

    def corner(self, height: int, width: int) -> tuple[int, int]:
        """Return (top, left) of the crop of a photo that is `height` x `width` after the resize."""
        half = math.floor if self.resize == "shortest-floor" else round
        top, left = (
            half((a - b) / 2) for a, b in zip((height, width), self.input_size, strict=True)
        )
        return top, left

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """Preprocess one photo.

        Args:
            image: uint8 [height, width, 3], RGB.

        Returns:
            float32 [1, 3, input height, input width], contiguous.

        Raises:
            InputError: the dtype or shape is wrong, or the resized photo would have more than 179
                million pixels.
        """
        return self.normalise(self.resize_and_crop(image))

    def normalise(self, pixels: np.ndarray) -> np.ndarray:
        """Normalize uint8 [h, w, 3] in RGB to contiguous float32 [1, 3, h, w], after the crop."""
        mean, std = (np.asarray(v, np.float32).reshape(3, 1, 1) for v in (self.mean, self.std))
        return (self.planes(pixels) / np.float32(255) - mean) / std

    def planes(self, pixels: np.ndarray) -> np.ndarray:
        """Convert uint8 [h, w, 3] in RGB to float32 [1, 3, h, w], 0 to 255, in `channel_order`."""
        if self.channel_order == "BGR":
            pixels = pixels[:, :, ::-1]
        return np.ascontiguousarray(pixels.transpose(2, 0, 1)[np.newaxis], np.float32)

    def resize_and_crop(self, image: np.ndarray) -> np.ndarray:
        """Resize and crop uint8 [h, w, 3] to uint8 [input h, input w, 3], both in RGB.

        Raises:
            InputError: see `__call__`.
        """
        self.check_photo(image)
        height, width = self.resized_size(*image.shape[:2])
        resized = self._resize(Image.fromarray(image), height, width)
        top, left = self.corner(height, width)
        pixels = np.asarray(resized)
        return pixels[top : top + self.input_size[0], left : left + self.input_size[1]]

    def check_photo(self, image: np.ndarray) -> None:
        """Raise InputError if `__call__` refuses this photo."""
        check_image_array(image)
        height, width = self.resized_size(*image.shape[:2])
        if height * width > MAX_RESIZED_PIXELS:
            raise InputError(
                f"[Preprocess] expected a photo whose resized form has at most {MAX_RESIZED_PIXELS}"
                f" pixels, got {width}x{height} from {image.shape[1]}x{image.shape[0]};"
                " crop the photo first"
            )

    def _resize(self, image: Image.Image, height: int, width: int) -> Image.Image:
        """Resize along one side, then along the other.

        Each pass rounds to bytes, so the order matters. With any Pillow it is the order of Pillow
        13: rows first if they shrink by more than twice as many pixels as the columns.
        """
        fewer_rows, fewer_columns = image.height - height, image.width - width
        rows_first = fewer_rows > max(0, 2 * fewer_columns)
        between = (image.width, height) if rows_first else (width, image.height)
        filter_ = RESAMPLING[self.interpolation]
        return image.resize(between, filter_).resize((width, height), filter_)


def check_image_array(image: np.ndarray) -> None:
    """Raise InputError unless `image` is a non-empty uint8 array [height, width, 3]."""
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or image.size == 0:
        raise InputError(
            f"[Preprocess] expected a uint8 RGB array [height, width, 3], got {image.dtype}"
            f" {list(image.shape)}; convert with PIL.Image.convert('RGB')"
        )

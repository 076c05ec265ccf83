"""Frames in all eight orientations, and where their pixels are in the input of a network."""

from __future__ import annotations

import itertools

import numpy as np

from hvit_edge.preprocess import Preprocess
from hvit_edge.runtime.binding import cpp

ORIENTATIONS = list(itertools.product([0, 90, 180, 270], [False, True]))
COLORS = {"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225), "channel_order": "BGR"}
PREPROCESSES = {
    "stretched": Preprocess((32, 24), "stretch", **COLORS),
    "stretched and cropped": Preprocess((32, 24), "stretch", 40, **COLORS),
    "cropped": Preprocess((32, 24), "shortest", 37, **COLORS),
    "cropped, rounded down": Preprocess((32, 24), "shortest-floor", 37, **COLORS),
}


def photo(height: int, width: int) -> np.ndarray:
    """Return smooth colors."""
    rows, columns = np.mgrid[0:height, 0:width]
    waves = [
        np.sin(rows / max(height, 8) * 9) * np.cos(columns / max(width, 8) * 7),
        np.cos(rows / max(height, 8) * 5 + columns / max(width, 8) * 4),
        np.sin((rows - columns) / max(height, width, 8) * 11),
    ]
    return np.uint8(127.5 + 127 * np.stack(waves, axis=-1))


def upright(stored: np.ndarray, rotation: int, mirror: bool) -> np.ndarray:
    """Return stored rows and columns as they are seen."""
    turned = np.rot90(stored, -(rotation // 90))
    return turned[:, ::-1] if mirror else turned


def stored(seen: np.ndarray, rotation: int, mirror: bool) -> np.ndarray:
    """Return what `upright` made upright."""
    return np.rot90(seen[:, ::-1] if mirror else seen, rotation // 90)


def frame(pixels: np.ndarray, rotation: int, mirror: bool) -> object:
    """Return a frame of the C++ runtime."""
    pixels = np.ascontiguousarray(pixels)
    return cpp.Frame(cpp.PixelFormat.rgb888, [pixels], rotation, mirror)


def in_input(preprocess: Preprocess, height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows and columns of upright pixel centers in the input, as docs/artifact.md says.

    They are in parts of the input: those outside of 0 to 1 are cropped away.
    """
    sides = []
    for side, other, target in zip(
        (height, width), (width, height), preprocess.input_size, strict=True
    ):
        resized = preprocess.resize_size or target
        if preprocess.resize != "stretch" and side > other:
            resized = int(preprocess.resize_size * side / other)
        margin = (resized - target) / 2
        corner = int(margin) if preprocess.resize == "shortest-floor" else int(round(margin))
        sides.append(((np.arange(side) + 0.5) * resized / side - corner) / target)
    return sides[0], sides[1]


def cell_anchors() -> np.ndarray:
    """Return an anchor for each 4x4 pixels of the input, so large that boxes overlap."""
    rows, columns = np.mgrid[0:8, 0:6]
    sizes = np.broadcast_to([[0.35, 0.3]], (48, 2))
    centers = np.stack([(columns.ravel() + 0.5) / 6, (rows.ravel() + 0.5) / 8], axis=1)
    return np.concatenate([centers, sizes], axis=1).astype(np.float32)

"""Read a label map: an image whose pixels are class numbers, with or without a palette."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from hvit_edge.errors import InputError
from hvit_edge.images.file_names import printable
from hvit_edge.images.quiet_pillow import quiet_pillow

IGNORED = 255
"""The value of pixels that count nowhere, as in Pascal VOC."""
MODES = {"1": np.uint8, "L": np.uint8, "P": np.uint8, "I;16": np.uint16, "I": np.int32}
"""Modes of Pillow whose pixels are numbers, with the dtype of each."""


def read_label_map(path: Path) -> np.ndarray:
    """Return the class numbers of a label map; a palette only colors them.

    Returns:
        uint8, uint16 or int32 [height, width].

    Raises:
        InputError: the file is missing or no image, or its pixels are colors.
    """
    try:
        with quiet_pillow, Image.open(path) as image:
            if image.mode not in MODES:
                raise InputError(
                    f"[datasets] {printable(path)}: expected a label map with a palette or in gray,"
                    f" whose pixels are class numbers, got mode {image.mode}; write class numbers,"
                    " not colors"
                )
            return np.asarray(image).astype(MODES[image.mode])
    except InputError:
        raise
    except FileNotFoundError:
        raise InputError(
            f"[datasets] expected a label map, got no such file: {printable(path)}; add it, or"
            " remove its photo"
        ) from None
    except Exception as error:  # for damaged files Pillow's readers raise any exception
        raise InputError(
            f"[datasets] {printable(path)}: expected a label map that Pillow reads, got"
            f" {printable(str(error).strip() or type(error).__name__)}; write it as PNG"
        ) from error

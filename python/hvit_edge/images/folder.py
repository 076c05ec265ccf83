"""List the images of a folder and its other files, so that none is skipped silently."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from hvit_edge.errors import InputError
from hvit_edge.images.file_names import printable
from hvit_edge.images.load_image import load_image
from hvit_edge.images.suffixes import has_image_suffix, is_hidden, without_placeholder


@dataclass
class Contents:
    """Holds the paths below a folder, sorted.

    Attributes:
        images: files that are named like images, and paths in place of images: broken links, empty
            folders that are named like images, links to a folder above, and folders that cannot be
            listed. `read_image` reads them, or raises an error that says what they are.
        others: files with other names, without those of the system.
    """

    images: list[Path] = field(default_factory=list)
    others: list[Path] = field(default_factory=list)


def contents_of(folder: Path) -> Contents:
    """Return the paths below `folder` at any depth; a link to a folder is followed once."""
    found = Contents()
    left: list[tuple[Path, frozenset[tuple[int, int]]]] = [(folder, frozenset())]
    while left:
        current, above = left.pop()
        try:
            status = os.stat(current)
            names = sorted(name for name in os.listdir(current) if not is_hidden(name))
        except OSError:
            found.images.append(current)
            continue
        identity = (status.st_dev, status.st_ino)
        if identity in above or (not names and above and has_image_suffix(current.name)):
            found.images.append(current)
            continue
        for path in (current / name for name in names):
            if os.path.isdir(path):  # False if it is unknown
                left.append((path, above | {identity}))
            else:
                (found.images if has_image_suffix(path.name) else found.others).append(path)
    found.images.sort()
    found.others.sort()
    return found


def read_image(path: Path) -> np.ndarray:
    """Read an image of `Contents` as `load_image` does; pipes and devices are not opened.

    Returns:
        uint8 [height, width, 3] in RGB.

    Raises:
        InputError: `path` is not an image that can be read.
    """
    if without_placeholder(path.name) != path.name:
        raise InputError(
            f"[datasets] expected a photo, got iCloud's placeholder: {printable(path)}; download"
            " the photo"
        )
    try:
        mode = os.stat(path).st_mode
    except (OSError, ValueError):
        return load_image(path)  # raises an error with the reason
    if stat.S_ISDIR(mode):
        raise InputError(
            f"[datasets] expected an image, got {_kind_of_folder(path)}: {printable(path)}"
        )
    if not stat.S_ISREG(mode):
        raise InputError(f"[datasets] expected an image file, got a device: {printable(path)}")
    return load_image(path)


def _kind_of_folder(path: Path) -> str:
    try:
        names = os.listdir(path)
    except OSError as error:
        return f"a folder that cannot be listed ({error.strerror})"
    return "a link to a folder around it" if names else "an empty folder"

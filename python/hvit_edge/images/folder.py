"""The images of a folder, and what else is in it: nothing disappears without being named."""

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
    """The paths below a folder, sorted.

    Attributes:
        images: files that are named like images, and what takes the place of images: links to no
            file, empty folders that are named like images, folders that cannot be listed.
            `read_image` reads them, or says what they are.
        others: files of other names; the system's own are left out.
    """

    images: list[Path] = field(default_factory=list)
    others: list[Path] = field(default_factory=list)


def contents_of(folder: Path) -> Contents:
    """Return what is below `folder`, at any depth; links to folders are followed once."""
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
            if os.path.isdir(path):  # False if it cannot be known
                left.append((path, above | {identity}))
            else:
                (found.images if has_image_suffix(path.name) else found.others).append(path)
    found.images.sort()
    found.others.sort()
    return found


def read_image(path: Path) -> np.ndarray:
    """Read an image of `Contents` as `load_image` does; pipes and devices are not opened.

    Raises:
        InputError: it is no image that can be read.
    """
    if without_placeholder(path.name) != path.name:
        raise InputError(
            f"[datasets] expected a photo, got what iCloud left in its place: {printable(path)};"
            " download it"
        )
    try:
        mode = os.stat(path).st_mode
    except (OSError, ValueError):
        return load_image(path)  # which says why
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

"""Recognize image files by their names."""

from __future__ import annotations

import os
import re
from functools import cache

from PIL import Image

# Suffixes of phones, browsers and downloads that Pillow does not list, or not in all versions.
KNOWN = frozenset(
    {
        ".avif",
        ".avifs",
        ".heic",
        ".heics",
        ".heif",
        ".heifs",
        ".hif",
        ".jfi",
        ".jif",
        ".mpo",
        ".pjp",
        ".pjpeg",
    }
)
# Formats that Pillow cannot read although it lists them, and drawings and films.
NO_PHOTOS = frozenset({"BUFR", "EPS", "GRIB", "HDF5", "MPEG", "PALM", "PDF", "WMF"})
# Files and folders that operating systems create. Names that begin with a dot are hidden as well.
SYSTEM_NAMES = frozenset(
    {"thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r", "$recycle.bin", "__macosx", "@eadir"}
)


@cache
def image_suffixes() -> frozenset[str]:
    """Return the suffixes of image files in lower case: those that Pillow reads, and `KNOWN`."""
    registered = Image.registered_extensions().items()
    readable = {s for s, kind in registered if kind in Image.OPEN and kind not in NO_PHOTOS}
    return KNOWN | readable


def has_image_suffix(name: str) -> bool:
    """Return True if the name is that of an image, such as `a.JPG`, `a.jfif` or `a.jpg_large`.

    Websites add a size after `_`, `-` or `:`; it is ignored.
    """
    suffix = os.path.splitext(without_placeholder(name))[1].lower()
    return suffix in image_suffixes() or re.split("[_:-]", suffix)[0] in image_suffixes()


def without_placeholder(name: str) -> str:
    """Return `a.heic` for `.a.heic.icloud`, the placeholder of a photo that is not downloaded."""
    placeholder = name.startswith(".") and name[1:].endswith(".icloud")
    return name[1 : -len(".icloud")] if placeholder else name


def is_hidden(name: str) -> bool:
    """Return True if a file or folder belongs to the system, such as `.DS_Store`."""
    name = without_placeholder(name)
    return name.startswith(".") or name.lower() in SYSTEM_NAMES

"""Which files of a folder are images, by their names."""

from __future__ import annotations

import os
import re
from functools import cache

from PIL import Image

# What phones, browsers and downloads write and Pillow does not list, or not in every version.
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
# Formats that Pillow only writes or names, or that are drawings and films.
NO_PHOTOS = frozenset({"BUFR", "EPS", "GRIB", "HDF5", "MPEG", "PALM", "PDF", "WMF"})
# What systems leave in folders; names that begin with a dot are hidden as well.
SYSTEM_NAMES = frozenset(
    {"thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r", "$recycle.bin", "__macosx", "@eadir"}
)


@cache
def image_suffixes() -> frozenset[str]:
    """Return the endings of image files, lower case: those that Pillow reads, and known others."""
    registered = Image.registered_extensions().items()
    readable = {s for s, kind in registered if kind in Image.OPEN and kind not in NO_PHOTOS}
    return KNOWN | readable


def has_image_suffix(name: str) -> bool:
    """Return whether a file of this name is taken for an image: `a.JPG`, `a.jfif`, `a.jpg_large`.

    What follows `_`, `-` or `:` in a suffix is a size that a web site added.
    """
    suffix = os.path.splitext(without_placeholder(name))[1].lower()
    return suffix in image_suffixes() or re.split("[_:-]", suffix)[0] in image_suffixes()


def without_placeholder(name: str) -> str:
    """Return `a.heic` for `.a.heic.icloud`, which stands for a photo that is not downloaded."""
    placeholder = name.startswith(".") and name[1:].endswith(".icloud")
    return name[1 : -len(".icloud")] if placeholder else name


def is_hidden(name: str) -> bool:
    """Return whether a file or folder is the system's own, such as `.DS_Store` or `Thumbs.db`."""
    name = without_placeholder(name)
    return name.startswith(".") or name.lower() in SYSTEM_NAMES

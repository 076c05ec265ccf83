"""Read the settings of the cache from the environment; no torch."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path

from hvit_edge.errors import InputError

FOLDER, SIZE = "HVIT_EDGE_CACHE_DIR", "HVIT_EDGE_CACHE_SIZE"
DEFAULT_SIZE = 2 * 10**9
_UNITS = {"": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9}
_AMOUNT = re.compile(r"(\d+(?:\.\d+)?)\s*(KB|MB|GB|)", re.I)


def cache_folder(environ: Mapping[str, str] = os.environ, platform: str = sys.platform) -> Path:
    """Return the folder of the cache, which may not exist yet.

    Raises:
        InputError: the user has no home folder.
    """
    if environ.get(FOLDER):
        return Path(environ[FOLDER]).expanduser()
    if environ.get("XDG_CACHE_HOME"):
        return Path(environ["XDG_CACHE_HOME"]) / "hvit-edge"
    if platform == "win32" and environ.get("LOCALAPPDATA"):
        return Path(environ["LOCALAPPDATA"]) / "hvit-edge" / "cache"
    try:
        home = Path.home()
    except RuntimeError as error:
        raise InputError(
            f"[cache] expected a home folder, got none; set {FOLDER} to a folder"
        ) from error
    return home / ("Library/Caches" if platform == "darwin" else ".cache") / "hvit-edge"


def cache_size(environ: Mapping[str, str] = os.environ) -> int:
    """Return the largest size of the cache in bytes; 0 turns it off.

    Raises:
        InputError: the setting is not an amount.
    """
    text = environ.get(SIZE, "").strip()
    if not text:
        return DEFAULT_SIZE
    amount = _AMOUNT.fullmatch(text)
    if amount is None:
        raise InputError(
            f"[cache] {SIZE}: expected a size such as 500MB, 2GB or 0, which turns the cache off,"
            f" got {text!r}"
        )
    return int(float(amount[1]) * _UNITS[amount[2].upper()])

"""Choose the images that a report shows, and make small pictures of them."""

from __future__ import annotations

import base64
import io
import re
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from hvit_edge.errors import InputError
from hvit_edge.images import load_image

SIDE, QUALITY = 176, 80
SHOWN = 24
NPZ_NAME = re.compile(r"\[(\d+)\]$")


def worst(rows: list[dict[str, Any]], task: str) -> list[dict[str, Any]]:
    """Return the rows of the images with the worst answers: at most `SHOWN`, the worst first."""
    read = [row for row in rows if "skipped" not in row]
    if task == "classify":
        wrong = [row for row in read if row["rank"] > 0]
        return sorted(wrong, key=lambda row: row.get("true_score") or 0.0)[:SHOWN]
    if task == "segment":
        return sorted(read, key=lambda row: row["iou"])[:SHOWN]
    if task == "detect":
        missing = {row["index"]: abs(len(row["objects"]) - len(row["boxes"])) for row in read}
        return sorted(read, key=lambda row: -missing[row["index"]])[:SHOWN]
    return []


def changed(
    rows: list[dict[str, Any]], others: list[dict[str, Any]]
) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Return the rows of the images that two artifacts classify differently."""
    known = {row["name"]: row for row in others if "predicted" in row}
    pairs = [(row, known[row["name"]]) for row in rows if row["name"] in known]
    return [(one, two) for one, two in pairs if one.get("predicted") != two["predicted"]]


def thumbnail(data: str, name: str) -> str | None:
    """Return a small JPEG as an address of the page itself; None if the photo is not there."""
    pixels = _pixels(Path(data), name)
    if pixels is None:
        return None
    picture = Image.fromarray(pixels)
    picture.thumbnail((SIDE, SIDE))
    stored = io.BytesIO()
    picture.save(stored, "JPEG", quality=QUALITY)
    return "data:image/jpeg;base64," + base64.b64encode(stored.getvalue()).decode("ascii")


def _pixels(data: Path, name: str) -> np.ndarray | None:
    if data.suffix == ".npz":
        place = NPZ_NAME.search(name)
        if place is None or not data.is_file():
            return None
        return _images(data)[int(place[1])]
    folder = data if data.is_dir() else data.parent
    for path in (folder / name, folder / "JPEGImages" / name):
        if path.is_file():
            try:
                return load_image(path)
            except InputError:
                return None
    return None


@lru_cache(maxsize=1)
def _images(path: Path) -> np.ndarray:
    """Return the images of an NPZ file, read once."""
    with np.load(path) as content:
        return content["images"]

"""Open COCO's annotations of objects: a JSON file, and a folder of photos."""

from __future__ import annotations

import json
import math
import sys
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hvit_edge.annotations.annotated_set import AnnotatedSet
from hvit_edge.errors import InputError
from hvit_edge.images.file_names import printable
from hvit_edge.images.folder import read_image
from hvit_edge.images.image_folders import plain_name
from hvit_edge.images.image_set import FirstFew, ImageSet

OUTSIDE = 1.0
"""Pixels by which a box may exceed its image; annotations are rounded."""


@dataclass(frozen=True)
class TrueBox:
    """Holds an object in an image, in pixels.

    Attributes:
        index: its class.
        x, y, width, height: its box.
        crowd: True if the box has several objects, which COCO does not count as missed.
        area: pixels of the object, by which COCO sorts small, medium and large ones; None for the
            pixels of the box.
    """

    index: int
    x: float
    y: float
    width: float
    height: float
    crowd: bool = False
    area: float | None = None


def open_boxes(
    source: str | Path,
    *,
    labels: Mapping[int, str],
    classes: int | None = None,
    images: str | Path | None = None,
) -> AnnotatedSet[tuple[TrueBox, ...]]:
    """Open all images of a COCO file, with the boxes of each.

    Args:
        source: a JSON file with `images`, `categories` and `annotations`.
        labels: name of each class of the network; categories are found by their names. If it is
            empty, a category's number is its class.
        classes: number of classes of the network with the background, which bounds the numbers of
            categories without labels; None for no bound.
        images: the folder of the photos; None for the first of the JSON's folder, `images` in it,
            and the folder next to it that is named after the file, such as `val2017` for
            `annotations/instances_val2017.json`, that has the first photo.

    Raises:
        InputError: the file is no such JSON, an annotation has an unknown image or category, a box
            is no box or not in its image, or a photo is missing. The message names the first ones.
    """
    path = Path(source)
    content = _read(path)
    _check_images(path, content["images"])
    class_of = _classes(path, content["categories"], content["annotations"], labels)
    if not labels and classes is not None:
        _check_numbers(path, content["annotations"], classes)
    rows = {row["id"]: row for row in content["images"]}
    _check_annotations(path, content["annotations"], rows, set(class_of))
    boxes: dict[Any, list[TrueBox]] = defaultdict(list)
    for each in content["annotations"]:
        if each["category_id"] in class_of:
            boxes[each["image_id"]].append(_box(each, class_of[each["category_id"]]))
    files = _photos(path, [row["file_name"] for row in rows.values()], images)
    numbers = list(rows)
    return AnnotatedSet(
        ImageSet(
            str(source),
            [row["file_name"] for row in rows.values()],
            None,
            lambda index: _read_photo(files[index], rows[numbers[index]]),
        ),
        lambda index: tuple(boxes[numbers[index]]),
    )


def _read_photo(path: Path, row: Mapping[str, Any]) -> np.ndarray:
    """Return a photo; raise InputError if it has another size than its boxes are for."""
    image = read_image(path)
    height, width = image.shape[:2]
    stated = row.get("width", width), row.get("height", height)
    if stated != (width, height):
        raise InputError(
            f"[datasets] {printable(path)}: expected {stated[0]}x{stated[1]} pixels, as the"
            f" annotations say, got {width}x{height}; correct the annotations for the upright photo"
        )
    return image


def _read(path: Path) -> dict[str, list[dict[str, Any]]]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(
            f"[datasets] {printable(path)}: expected a COCO file, JSON with images, categories and"
            f" annotations, got one that cannot be read ({reason}); name the annotations"
        ) from error
    faults = [
        f"{key}: {wanted}"
        for key, wanted in (
            ("images", "expected a list of objects with id and file_name"),
            ("categories", "expected a list of objects with id and name"),
            ("annotations", "expected a list of objects with image_id, category_id and bbox"),
        )
        if not _has(content, key, wanted.split(" with ")[1].replace(" and ", ", ").split(", "))
    ]
    if faults:
        raise InputError(
            f"[datasets] {printable(path)}: {'; '.join(faults)}; write it as COCO's"
            " instances_*.json"
        )
    if not content["images"]:
        raise InputError(f"[datasets] {printable(path)}: images: expected at least one, got none")
    return content


def _has(content: object, key: str, names: Sequence[str]) -> bool:
    rows = content.get(key) if isinstance(content, dict) else None
    return isinstance(rows, list) and all(
        isinstance(row, dict)
        and all(name in row for name in names)
        and all(isinstance(row[name], str | int) for name in names if name != "bbox")
        for row in rows
    )


def _classes(
    path: Path,
    categories: Sequence[Mapping[str, Any]],
    annotations: Sequence[Mapping[str, Any]],
    labels: Mapping[int, str],
) -> dict[Any, int]:
    """Return the class of each category that the network has.

    Raises:
        InputError: there are annotations of another category.
    """
    if not labels:
        return {row["id"]: row["id"] for row in categories if isinstance(row["id"], int)}
    index_of = {plain_name(label): index for index, label in labels.items()}
    used = {each["category_id"] for each in annotations}
    unknown = [
        f"{row['name']} (id {row['id']})"
        for row in categories
        if row["id"] in used and plain_name(str(row["name"])) not in index_of
    ]
    if unknown:
        raise InputError(
            f"[datasets] {printable(path)}: expected categories with the names of the network's"
            f" labels, got annotations of {FirstFew.of(unknown)}; rename the categories, or remove"
            " their annotations"
        )
    return {
        row["id"]: index_of[plain_name(str(row["name"]))]
        for row in categories
        if plain_name(str(row["name"])) in index_of
    }


def _check_images(path: Path, images: Sequence[Mapping[str, Any]]) -> None:
    """Raise InputError that names the first images with each fault."""
    faults: dict[str, list[str]] = defaultdict(list)
    numbers = Counter(row["id"] for row in images)
    for row in images:
        name = f"image {row['id']}"
        if numbers[row["id"]] > 1:
            faults["an id that another image has"].append(name)
        if not isinstance(row["file_name"], str):
            faults["a file_name that is no text"].append(name)
        if not all(_is_number(row.get(side, 1)) for side in ("width", "height")):
            faults["a width or height that is no number"].append(name)
    if faults:
        raise InputError(
            f"[datasets] {printable(path)}: expected images with different ids, a file_name and"
            f" their size in pixels, got {_listed(faults)}; correct or remove them"
        )


def _listed(faults: Mapping[str, Sequence[str]]) -> str:
    """Return every fault after the first names that have it."""
    return "; ".join(f"{FirstFew.of(names)}: {fault}" for fault, names in faults.items())


def _is_number(value: object) -> bool:
    """Return True for a finite number; JSON may have integers that no float can hold."""
    return isinstance(value, int | float) and abs(value) <= sys.float_info.max


def _check_numbers(path: Path, annotations: Sequence[Mapping[str, Any]], classes: int) -> None:
    used = {each["category_id"] for each in annotations}
    unknown = [str(number) for number in used if number not in range(1, classes)]
    if unknown:
        raise InputError(
            f"[datasets] {printable(path)}: expected categories from 1 to {classes - 1}, the"
            f" classes of a network without labels, got annotations of {FirstFew.of(unknown)};"
            " compile the network with its labels, or renumber the categories"
        )


def _check_annotations(
    path: Path,
    annotations: Sequence[Mapping[str, Any]],
    images: Mapping[Any, Mapping[str, Any]],
    categories: set[Any],
) -> None:
    """Raise InputError that names the first annotations with each fault."""
    faults: dict[str, list[str]] = defaultdict(list)
    for number, each in enumerate(annotations):
        name = f"annotation {each.get('id', f'at position {number}')}"
        for fault in _faults(each, images, categories):
            faults[fault].append(name)
    if faults:
        raise InputError(
            f"[datasets] {printable(path)}: expected boxes x, y, width, height in pixels of their"
            f" images, got {_listed(faults)}; correct or remove them"
        )


def _faults(
    annotation: Mapping[str, Any], images: Mapping[Any, Mapping[str, Any]], categories: set[Any]
) -> list[str]:
    found = []
    image = images.get(annotation["image_id"])
    if image is None:
        found.append("unknown image_id")
    if annotation["category_id"] not in categories:
        found.append("unknown category_id")
    area = annotation.get("area")
    if area is not None and not (_is_number(area) and area >= 0):
        found.append("an area that is no number of pixels")
    if annotation.get("iscrowd") not in (0, 1, None):
        found.append("an iscrowd that is neither 0 nor 1")
    box = annotation["bbox"]
    if not isinstance(box, list) or len(box) != 4 or not all(map(_is_number, box)):
        return [*found, "not four finite numbers"]
    x, y, width, height = box
    if min(width, height) < 0:
        found.append("a negative size")
    elif image is not None and _is_outside(x, y, x + width, y + height, image):
        found.append("outside its image")
    return found


def _is_outside(
    left: float, top: float, right: float, bottom: float, image: Mapping[str, Any]
) -> bool:
    width, height = (image.get(name, math.inf) for name in ("width", "height"))
    return min(left, top) < -OUTSIDE or right > width + OUTSIDE or bottom > height + OUTSIDE


def _box(annotation: Mapping[str, Any], index: int) -> TrueBox:
    x, y, width, height = map(float, annotation["bbox"])
    area = annotation.get("area")
    crowd = bool(annotation.get("iscrowd", 0))
    return TrueBox(index, x, y, width, height, crowd, None if area is None else float(area))


def _photos(path: Path, names: Sequence[str], given: str | Path | None) -> list[Path]:
    named = path.stem.removeprefix("instances_")
    folders = [path.parent, path.parent / "images", path.parent.parent / named]
    if given is not None:
        folders = [Path(given)]
    folder = next((each for each in folders if (each / names[0]).exists()), folders[0])
    missing = FirstFew.of([name for name in names if not (folder / name).exists()])
    if missing.count:
        looked = " or ".join(printable(each) for each in folders)
        raise InputError(
            f"[datasets] {printable(path)}: expected its photos in {looked}, got no {missing}; name"
            " their folder with --images DIR (images=)"
        )
    return [folder / name for name in names]

"""Open images with classes of any names, which no network has to know."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from hvit_edge.errors import InputError
from hvit_edge.images.file_names import printable
from hvit_edge.images.image_folders import open_classes, plain_name
from hvit_edge.images.image_set import ImageSet
from hvit_edge.images.npz_images import open_npz
from hvit_edge.images.suffixes import is_hidden

ANY = 2**31
"""A bound for class numbers of an NPZ file."""


def open_labeled(source: str | Path) -> tuple[ImageSet, tuple[str, ...]]:
    """Open a folder with one subfolder per class, or an NPZ file with `images` and `labels`.

    Returns:
        The images, and the names of the classes in the order of their numbers: the subfolders,
        sorted, or the numbers of the file.

    Raises:
        InputError: there is no such path, no image, no class, or only one.
    """
    path = Path(source)
    if path.suffix.lower() == ".npz":
        images = open_npz(path, ANY)
        numbers = sorted(set(images.labels or ()))
        places = {number: place for place, number in enumerate(numbers)}
        images = replace(images, labels=[places[number] for number in images.labels or ()])
        names = tuple(map(str, numbers))
    elif path.is_dir():
        found = sorted(p.name for p in path.iterdir() if p.is_dir() and not is_hidden(p.name))
        names = tuple(found)
        images = open_classes(path, len(names), names)
        _check_apart(path, names)
    else:
        raise InputError(
            f"[datasets] expected a folder with one subfolder per class, or an NPZ file, got"
            f" {printable(path)}; check the path"
        )
    if len(set(images.labels or ())) < 2:
        raise InputError(
            f"[datasets] {printable(path)}: expected images of at least two classes, got one; the"
            " nearest neighbor would always be of the same class"
        )
    return images, names


def _check_apart(path: Path, names: tuple[str, ...]) -> None:
    """Raise InputError if two subfolders would be the same class."""
    plain = [plain_name(name) for name in names]
    equal = [name for name in names if plain.count(plain_name(name)) > 1]
    if equal:
        raise InputError(
            f"[datasets] {printable(path)}: expected subfolders whose names differ in more than"
            f" case, spaces and underscores, got {', '.join(map(printable, equal))}; rename them"
        )

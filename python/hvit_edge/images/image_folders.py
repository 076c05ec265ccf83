"""Open folders of images: any layout without labels, or one subfolder per class."""

from __future__ import annotations

import difflib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hvit_edge.errors import InputError
from hvit_edge.images.file_names import printable
from hvit_edge.images.folder import contents_of, read_image
from hvit_edge.images.image_set import FirstFew, ImageSet, check_range, counted
from hvit_edge.images.suffixes import image_suffixes, is_hidden


def open_folder(root: Path) -> ImageSet:
    """Open every image below `root`, at any depth.

    Raises:
        InputError: there is no image, or the folder cannot be listed.
    """
    folders, _ = _entries(root)
    found = contents_of(root)
    if not found.images:
        raise InputError(
            f"[datasets] {printable(root)}: expected images, got none{_among(root, found.others)};"
            f" {_known_suffixes()}"
        )
    first = {image.relative_to(root).parts[0] for image in found.images}
    empty = {folder.name: None for folder in folders if folder.name not in first}
    return of_files(root, found.images, None, found.others, empty_folders=empty)


def open_classes(root: Path, classes: int, class_names: Sequence[str]) -> ImageSet:
    """Open the images in the subfolders of `root`, each of which is a class.

    Args:
        root: the folder.
        classes, class_names: number of classes of the network, and its labels if known.

    Raises:
        InputError: there is no image, or the subfolders do not fit the classes.
    """
    folders, others = _entries(root)
    if not folders:
        raise InputError(
            f"[datasets] {printable(root)}: expected one subfolder per class, got no subfolder;"
            " move the images into folders named after their classes"
        )
    indices = _class_indices(root, [f.name for f in folders], classes, class_names)
    files: list[Path] = []
    labels: list[int] = []
    empty: dict[str, int | None] = {}
    for folder, index in zip(folders, indices, strict=True):
        found = contents_of(folder)
        files += found.images
        labels += [index] * len(found.images)
        others += found.others
        if not found.images:
            empty[folder.name] = index
    if not files:
        raise InputError(
            f"[datasets] {printable(root)}: expected images in its {len(folders)} subfolders, got"
            f" none{_among(root, others)}; {_known_suffixes()}"
        )
    return of_files(root, files, labels, others, empty_folders=empty)


def of_files(
    root: Path,
    files: list[Path],
    labels: list[int] | None,
    others: Sequence[Path] = (),
    **more: Any,
) -> ImageSet:
    """Return an ImageSet of files, with their paths below `root` as names.

    Args:
        root: the folder, or the file itself.
        files: the image files.
        labels: one class per file, or None.
        others: files that are not images.
        more: other attributes of the ImageSet.
    """
    names = [_name(root, file) for file in files]
    ignored = FirstFew.of([_name(root, file) for file in others])
    return ImageSet(
        str(root), names, labels, lambda index: read_image(files[index]), ignored=ignored, **more
    )


def _name(root: Path, file: Path) -> str:
    return str(file.relative_to(root)) if file != root else file.name


def _entries(root: Path) -> tuple[list[Path], list[Path]]:
    """Return the subfolders and the files of `root`, sorted, without those of the system."""
    try:
        visible = sorted(path for path in root.iterdir() if not is_hidden(path.name))
    except OSError as error:
        raise InputError(
            f"[datasets] {printable(root)}: expected a folder that can be listed, got"
            f" {error.strerror}; change its permissions"
        ) from error
    folders = [path for path in visible if os.path.isdir(path)]
    return folders, [path for path in visible if not os.path.isdir(path)]


def _among(root: Path, others: list[Path]) -> str:
    if not others:
        return ""
    named = FirstFew.of([_name(root, path) for path in others])
    return f" among {counted(named.count, 'file')} with other names ({named})"


def _class_indices(
    root: Path, folders: list[str], classes: int, class_names: Sequence[str]
) -> list[int]:
    by_name = {plain_name(name): index for index, name in enumerate(class_names)}
    for index, name in enumerate(class_names):
        by_name.setdefault(plain_name(name.split(",")[0]), index)
    unknown = [name for name in folders if plain_name(name) not in by_name]
    if not unknown:
        return [by_name[plain_name(name)] for name in folders]
    if len(unknown) < len(folders):
        raise InputError(_unknown_classes(root, unknown, list(by_name)))
    if all(name.isdecimal() for name in folders):
        indices = [int(name) for name in folders]
        check_range(root, np.asarray(indices), classes)
        return indices
    if len(folders) == classes:
        return list(range(classes))
    raise InputError(
        f"[datasets] {printable(root)}: expected {classes} subfolders, one per class, or subfolders"
        f" named after the network's labels, got {len(folders)} with other names"
        f" ({', '.join(map(printable, folders[:3]))}, ...); rename them to the labels or to class"
        " indices"
    )


def plain_name(name: str) -> str:
    """Return the name of a class without case, outer spaces and underscores."""
    return name.strip().casefold().replace("_", " ")


def _unknown_classes(root: Path, unknown: list[str], known: list[str]) -> str:
    named = []
    for name in unknown[:5]:
        close = difflib.get_close_matches(plain_name(name), known, n=1)
        named.append(printable(name) + (f" (did you mean {close[0]}?)" if close else ""))
    more = f" and {len(unknown) - 5} more" if len(unknown) > 5 else ""
    return (
        f"[datasets] {printable(root)}: expected every subfolder to be named after a label of"
        f" the network, got {', '.join(named)}{more}; rename or remove them"
    )


def _known_suffixes() -> str:
    return "image files end in " + ", ".join(sorted(image_suffixes()))

"""Read images, with or without labels, from NPZ, tar and Parquet files and image folders.

    open_images("photos/")                                no labels: every image below the folder
    open_images("test.npz", classes=10)                   labels: `images` and `labels`
    open_images("test/", classes=10, class_names=labels)  labels: one subfolder per class
    open_images("test.tar", classes=10)                   labels: files .cls, as in WebDataset
    open_images("test.parquet", classes=10)               labels: the column `label`

A folder of tar or Parquet files alone is read as all of them, in the order of their names.

Subfolders are matched to classes by name if they have the names of classes. Subfolders named by
integers are class indices. Otherwise there must be one subfolder per class, in sorted order. Any
other layout is an error. Nothing is skipped silently: files that are not named like images,
subfolders without an image and unreadable images are all reported.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from hvit_edge.errors import InputError
from hvit_edge.images.file_names import printable
from hvit_edge.images.image_folders import of_files, open_classes, open_folder
from hvit_edge.images.image_set import FirstFew, ImageSet, Sample, Skipped
from hvit_edge.images.npz_images import open_npz
from hvit_edge.images.parquet_images import SUFFIX as PARQUET
from hvit_edge.images.parquet_images import open_parquet
from hvit_edge.images.suffixes import has_image_suffix, is_hidden
from hvit_edge.images.tar_images import SUFFIX as TAR
from hvit_edge.images.tar_images import open_tars

SHARDS = {TAR: open_tars, PARQUET: open_parquet}
"""The function that opens a file of many images, for each suffix."""

__all__ = ["FirstFew", "ImageSet", "Sample", "Skipped", "open_images"]


def open_images(
    source: str | Path, *, classes: int | None = None, class_names: Sequence[str] = ()
) -> ImageSet:
    """Open a data set without reading its images yet.

    Args:
        source: an NPZ file with `images` uint8 [N, height, width, 3] (and `labels`, N integers), a
            folder of images, a single image, or tar files of WebDataset or Parquet files: one, or
            a folder of them.
        classes: number of classes of the network; None opens the images without labels.
        class_names: labels of the network in class order, if known.

    Raises:
        InputError: the path does not exist, there are no images, keys, types or shapes are wrong,
            or the classes do not fit the network.
    """
    path = Path(source)
    check_path(path)
    for suffix, open_shards in SHARDS.items():
        shards = _shards(path, suffix)
        if shards:
            return open_shards(path, shards, classes)
    if path.is_dir():
        return open_folder(path) if classes is None else open_classes(path, classes, class_names)
    if path.suffix.lower() == ".npz":
        return open_npz(path, classes)
    if classes is None and has_image_suffix(path.name):
        return of_files(path, [path], None)
    wanted = "an image, " if classes is None else ""
    raise InputError(
        f"[datasets] expected {wanted}an NPZ file or a folder of images, got"
        f" {printable(path)}; NPZ files end in .npz"
    )


def _shards(path: Path, suffix: str) -> list[Path]:
    """Return the file, or the files of a folder, if all visible ones have the suffix."""
    if not path.is_dir():
        return [path] if path.suffix.lower() == suffix else []
    try:
        found = sorted(each for each in path.iterdir() if not is_hidden(each.name))
    except OSError:
        return []  # `open_folder` and `open_classes` say why
    return found if found and all(each.suffix.lower() == suffix for each in found) else []


def check_path(path: Path) -> None:
    """Raise InputError if nothing is at a path, or if it cannot be read."""
    try:
        os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        raise InputError(
            f"[datasets] expected an NPZ file or a folder, got no such path: {printable(path)}"
        ) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(
            f"[datasets] expected an NPZ file or a folder, got {printable(path)}, which cannot be"
            f" read ({reason}); name one that can"
        ) from error

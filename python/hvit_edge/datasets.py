"""One reader of images, with or without labels: NPZ files and image folders.

    open_images("photos/")                                unlabelled: every image below the folder
    open_images("test.npz", classes=10)                   labelled: `images` and `labels`
    open_images("test/", classes=10, class_names=labels)  labelled: one subfolder a class

A folder's classes are found by name where the subfolders carry the class names; subfolders named
by whole numbers are class indices; otherwise there must be one subfolder a class, taken in sorted
order. Nothing is guessed: every other layout is refused. Nothing disappears: files that are not
named like images, subfolders without an image and images that cannot be read are all named.
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
from hvit_edge.images.suffixes import has_image_suffix

__all__ = ["FirstFew", "ImageSet", "Sample", "Skipped", "open_images"]


def open_images(
    source: str | Path, *, classes: int | None = None, class_names: Sequence[str] = ()
) -> ImageSet:
    """Open a data set without reading its images yet.

    Args:
        source: an NPZ file with `images` uint8 [N, height, width, 3] (and `labels`, N whole
            numbers), a folder of images, or a single image.
        classes: how many classes the network has; None opens the images without labels.
        class_names: the network's labels in class order, where known.

    Raises:
        InputError: nothing there, no images, wrong keys, types or shapes, classes that do not
            fit the network's.
    """
    path = Path(source)
    _check_path(path)
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


def _check_path(path: Path) -> None:
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

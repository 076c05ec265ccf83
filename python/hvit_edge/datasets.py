"""One reader of images, with or without labels: NPZ files and image folders.

    open_images("photos/")                                unlabelled: every image below the folder
    open_images("test.npz", classes=10)                   labelled: `images` and `labels`
    open_images("test/", classes=10, class_names=labels)  labelled: one subfolder a class

A folder's classes are found by name where the subfolders carry the class names; subfolders named
by whole numbers are class indices; otherwise there must be one subfolder a class, taken in sorted
order. Nothing is guessed: every other layout is refused.
"""

from __future__ import annotations

import difflib
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from hvit_edge.errors import InputError
from hvit_edge.preprocess import load_image

IMAGE_SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".png", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm", ".jp2"}
)

# What numpy and zipfile raise on damaged files, seen by altering bytes at random.
UNREADABLE_NPZ = (
    OSError,
    ValueError,
    EOFError,
    RuntimeError,
    MemoryError,
    zipfile.BadZipFile,
    zlib.error,
)


@dataclass(frozen=True)
class Sample:
    """One image: where it came from, its pixels (uint8 RGB [height, width, 3]), its class."""

    name: str
    image: np.ndarray
    label: int | None


@dataclass(frozen=True)
class Skipped:
    """An image that could not be read, and why."""

    name: str
    reason: str


@dataclass
class ImageSet:
    """Images read one at a time, in a fixed order.

    Iterating yields a `Sample` for every readable image; the unreadable ones are gathered in
    `skipped`, which starts anew with every iteration.

    Raises (while iterating):
        InputError: not a single image could be read.
    """

    source: str
    names: list[str]
    labels: list[int] | None
    read: Callable[[int], np.ndarray]
    skipped: list[Skipped] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.names)

    def __iter__(self) -> Iterator[Sample]:
        self.skipped = []
        for index, name in enumerate(self.names):
            try:
                image = self.read(index)
            except InputError as error:
                self.skipped.append(Skipped(name, str(error)))
                continue
            yield Sample(name, image, None if self.labels is None else self.labels[index])
        if len(self.skipped) == len(self.names):
            raise InputError(
                f"[datasets] {self.source}: expected readable images, got {len(self.skipped)}"
                f" unreadable ones, the first: {self.skipped[0].reason}"
            )

    def take(self, limit: int | None) -> ImageSet:
        """At most `limit` images, spread evenly, so that a sorted folder keeps its classes."""
        if limit is None or limit >= len(self):
            return self
        if limit < 1:
            raise InputError(f"[datasets] limit: expected at least 1 image, got {limit}")
        chosen = [i * len(self) // limit for i in range(limit)]
        return ImageSet(
            source=self.source,
            names=[self.names[i] for i in chosen],
            labels=None if self.labels is None else [self.labels[i] for i in chosen],
            read=lambda index: self.read(chosen[index]),
        )


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
    if not path.exists():
        raise InputError(f"[datasets] expected an NPZ file or a folder, got no such path: {path}")
    if path.is_dir():
        return _open_folder(path) if classes is None else _open_classes(path, classes, class_names)
    if path.suffix.lower() == ".npz":
        return _open_npz(path, classes)
    if classes is None and path.suffix.lower() in IMAGE_SUFFIXES:
        return _of_files(path, [path], None)
    wanted = "an image, " if classes is None else ""
    raise InputError(
        f"[datasets] expected {wanted}an NPZ file or a folder of images, got {path};"
        " NPZ files end in .npz"
    )


def _of_files(root: Path, files: list[Path], labels: list[int] | None) -> ImageSet:
    names = [str(f.relative_to(root)) if f != root else f.name for f in files]
    return ImageSet(str(root), names, labels, lambda index: load_image(files[index]))


def _images_below(folder: Path) -> list[Path]:
    return sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in IMAGE_SUFFIXES
        and path.is_file()
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    )


def _open_folder(root: Path) -> ImageSet:
    files = _images_below(root)
    if not files:
        raise InputError(f"[datasets] {root}: expected images, got none; {_known_suffixes()}")
    return _of_files(root, files, None)


def _open_classes(root: Path, classes: int, class_names: Sequence[str]) -> ImageSet:
    folders = sorted(p for p in root.iterdir() if p.is_dir() and not p.name.startswith("."))
    if not folders:
        raise InputError(
            f"[datasets] {root}: expected one subfolder a class, got no subfolder;"
            " move the images into folders named after their classes"
        )
    indices = _class_indices(root, [f.name for f in folders], classes, class_names)
    files: list[Path] = []
    labels: list[int] = []
    for folder, index in zip(folders, indices, strict=True):
        found = _images_below(folder)
        files += found
        labels += [index] * len(found)
    if not files:
        raise InputError(
            f"[datasets] {root}: expected images in its {len(folders)} subfolders, got none;"
            f" {_known_suffixes()}"
        )
    return _of_files(root, files, labels)


def _class_indices(
    root: Path, folders: list[str], classes: int, class_names: Sequence[str]
) -> list[int]:
    by_name = {_plain(name): index for index, name in enumerate(class_names)}
    for index, name in enumerate(class_names):
        by_name.setdefault(_plain(name.split(",")[0]), index)
    unknown = [name for name in folders if _plain(name) not in by_name]
    if not unknown:
        return [by_name[_plain(name)] for name in folders]
    if len(unknown) < len(folders):
        raise InputError(_unknown_classes(root, unknown, list(by_name)))
    if all(name.isdecimal() for name in folders):
        indices = [int(name) for name in folders]
        _check_range(root, np.asarray(indices), classes)
        return indices
    if len(folders) == classes:
        return list(range(classes))
    raise InputError(
        f"[datasets] {root}: expected {classes} subfolders, one a class, or subfolders named after"
        f" the network's labels, got {len(folders)} of other names ({', '.join(folders[:3])}, ...);"
        " rename them to the labels or to class indices"
    )


def _plain(name: str) -> str:
    return name.strip().casefold().replace("_", " ")


def _unknown_classes(root: Path, unknown: list[str], known: list[str]) -> str:
    named = []
    for name in unknown[:5]:
        close = difflib.get_close_matches(_plain(name), known, n=1)
        named.append(f"{name} (did you mean {close[0]}?)" if close else name)
    more = f" and {len(unknown) - 5} more" if len(unknown) > 5 else ""
    return (
        f"[datasets] {root}: expected every subfolder to be named after a label of the network,"
        f" got {', '.join(named)}{more}; rename or remove them"
    )


def _known_suffixes() -> str:
    return "image files end in " + ", ".join(sorted(IMAGE_SUFFIXES))


def _open_npz(path: Path, classes: int | None) -> ImageSet:
    wanted = ["images"] if classes is None else ["images", "labels"]
    arrays = _read_npz(path, wanted)
    images = arrays["images"]
    faults = []
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[-1] != 3:
        faults.append(
            "images: expected uint8 [N, height, width, 3] (RGB), got"
            f" {images.dtype} {list(images.shape)}"
        )
    elif images.size == 0:
        faults.append(f"images: expected at least one, got {list(images.shape)}")
    labels = arrays.get("labels")
    if labels is not None:
        if labels.dtype.kind not in "iu" or labels.ndim != 1:
            faults.append(
                f"labels: expected whole numbers [N], got {labels.dtype} {list(labels.shape)}"
            )
        elif len(labels) != len(images):
            faults.append(f"labels: expected {len(images)}, one an image, got {len(labels)}")
    if faults:
        raise InputError(f"[datasets] {path}: " + "; ".join(faults))
    if labels is not None and classes is not None:
        _check_range(path, labels, classes)
    names = [f"{path.name}[{index}]" for index in range(len(images))]
    listed = None if labels is None else [int(label) for label in labels]
    return ImageSet(str(path), names, listed, lambda index: images[index])


def _read_npz(path: Path, wanted: list[str]) -> dict[str, np.ndarray]:
    try:
        archive = np.load(path, allow_pickle=False)
        if not isinstance(archive, np.lib.npyio.NpzFile):
            raise ValueError("a single array")
        with archive:
            missing = [key for key in wanted if key not in archive.files]
            if missing:
                raise InputError(
                    f"[datasets] {path}: expected the arrays {' and '.join(wanted)}, got"
                    f" {', '.join(archive.files) or 'none'}; write them with"
                    " numpy.savez(path, images=..., labels=...)"
                )
            return {key: archive[key] for key in wanted}
    except UNREADABLE_NPZ as error:
        raise InputError(
            f"[datasets] {path}: expected an NPZ file that numpy reads, got one that it refuses"
            f" ({error}); write it with numpy.savez"
        ) from error


def _check_range(source: Path, labels: np.ndarray, classes: int) -> None:
    outside = np.flatnonzero((labels < 0) | (labels >= classes))
    if len(outside):
        first = int(outside[0])
        raise InputError(
            f"[datasets] {source}: expected labels from 0 to {classes - 1}, got {len(outside)}"
            f" outside, the first {int(labels[first])} at position {first};"
            " take the data set that the network was trained for"
        )

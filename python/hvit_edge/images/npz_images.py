"""Read images, with or without labels, from an NPZ file."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path

import numpy as np

from hvit_edge.errors import InputError
from hvit_edge.images.file_names import printable
from hvit_edge.images.image_set import ImageSet, check_range

# Exceptions of numpy and zipfile for damaged files, found by changing bytes at random.
UNREADABLE_NPZ = (
    OSError,
    ValueError,
    EOFError,
    RuntimeError,
    MemoryError,
    zipfile.BadZipFile,
    zlib.error,
)


def open_npz(path: Path, classes: int | None) -> ImageSet:
    """Open `images` uint8 [N, height, width, 3] and, if there are `classes`, their `labels` [N].

    Raises:
        InputError: it is not an NPZ file, or keys, types, shapes or labels are wrong.
    """
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
            faults.append(f"labels: expected {len(images)}, one per image, got {len(labels)}")
    if faults:
        raise InputError(f"[datasets] {printable(path)}: " + "; ".join(faults))
    if labels is not None and classes is not None:
        check_range(path, labels, classes)
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
                    f"[datasets] {printable(path)}: expected the arrays {' and '.join(wanted)}, got"
                    f" {', '.join(archive.files) or 'none'}; write them with"
                    " numpy.savez(path, images=..., labels=...)"
                )
            return {key: archive[key] for key in wanted}
    except UNREADABLE_NPZ as error:
        raise InputError(
            f"[datasets] {printable(path)}: expected an NPZ file that numpy can read, got one that"
            f" it refuses ({error}); write it with numpy.savez"
        ) from error

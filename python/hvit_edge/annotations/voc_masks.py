"""Open a folder in the layout of Pascal VOC: photos, and a label map for each.

JPEGImages/NAME.jpg               photos
SegmentationClass/NAME.png        label maps; 255 is ignored
ImageSets/Segmentation/SPLIT.txt  names of a part, one per line; only for `split`
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from hvit_edge.annotations.annotated_set import AnnotatedSet
from hvit_edge.annotations.label_map import IGNORED, read_label_map
from hvit_edge.errors import InputError
from hvit_edge.images.file_names import printable
from hvit_edge.images.folder import Contents, contents_of, read_image
from hvit_edge.images.image_set import FirstFew, ImageSet

PHOTOS, MAPS, SPLITS = "JPEGImages", "SegmentationClass", "ImageSets/Segmentation"
LAYOUT = f"{PHOTOS}/NAME.jpg and {MAPS}/NAME.png"


def open_masks(
    root: str | Path, *, classes: int, split: str | None = None
) -> AnnotatedSet[np.ndarray]:
    """Open the photos that have a label map, and read and check all maps once.

    Args:
        root: the folder.
        classes: number of classes of the network, the background included.
        split: name of a list of photos in `ImageSets/Segmentation`; None for every label map.

    Returns:
        The set. Its masks are of integers, [height, width] of the photo; photos without a map are
        in `images.ignored`.

    Raises:
        InputError: the layout is another, there is no label map, a photo or map is missing, two
            have one name, or a map has an unknown value. The message names the first files of all
            such faults.
    """
    folder = Path(root)
    photos = _by_name(folder, PHOTOS)
    maps = _by_name(folder, MAPS)
    if not maps:
        raise InputError(
            f"[datasets] {printable(folder / MAPS)}: expected label maps, got an empty folder; add"
            " a PNG for each photo"
        )
    names = sorted(maps) if split is None else _split(folder, split)
    _check_files(folder, names, photos, maps)
    _check_values(folder, [maps[name] for name in names], classes)
    used = set(names)
    others = [path.name for name, path in photos.items() if name not in used]
    images = ImageSet(
        str(root),
        [photos[name].name for name in names],
        None,
        lambda index: read_image(photos[names[index]]),
        ignored=FirstFew.of(sorted(others)),
    )
    return AnnotatedSet(images, lambda index: read_label_map(maps[names[index]]))


def check_size(name: str, mask: np.ndarray, photo: Sequence[int]) -> None:
    """Raise InputError if a label map has another size than its upright photo, [height, width]."""
    if mask.shape != tuple(photo):
        height, width = mask.shape
        raise InputError(
            f"[datasets] {printable(name)}: expected a label map of {photo[1]}x{photo[0]}"
            f" pixels, the size of its photo, got {width}x{height}; write it at"
            " the size of the upright photo"
        )


def _by_name(folder: Path, name: str) -> dict[str, Path]:
    """Return the files of a folder by their names without suffix.

    Raises:
        InputError: there is no such folder, or two of its files have one name.
    """
    files = _files(folder, name).images
    count = Counter(path.stem for path in files)
    equal = FirstFew.of([str(p.relative_to(folder)) for p in files if count[p.stem] > 1])
    if equal.count:
        raise InputError(
            f"[datasets] {printable(folder)}: expected files of {name} whose names differ in more"
            f" than suffix and subfolder, got {equal}; remove or rename some of them"
        )
    return {path.stem: path for path in files}


def _files(folder: Path, name: str) -> Contents:
    if not (folder / name).is_dir():
        raise InputError(
            f"[datasets] {printable(folder)}: expected {LAYOUT}, got no folder {name}; name a"
            " folder in the layout of Pascal VOC"
        )
    return contents_of(folder / name)


def _split(folder: Path, split: str) -> list[str]:
    """Return the names in a list; VOC's lists of single classes have a number after each name."""
    path = folder / SPLITS / f"{split}.txt"
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError) as error:
        there = sorted(each.stem for each in path.parent.glob("*.txt")) or ["none"]
        raise InputError(
            f"[datasets] --split (split=): expected the name of a list in {printable(path.parent)},"
            f" got {printable(split)}, which cannot be read"
            f" ({getattr(error, 'strerror', None) or error}); lists: {', '.join(there)}"
        ) from None
    names = [line.split()[0] for line in lines if line.strip()]
    if not names:
        raise InputError(
            f"[datasets] {printable(path)}: expected names of photos, got an empty list; name"
            " another with --split (split=)"
        )
    return names


def _check_files(
    folder: Path, names: Sequence[str], photos: dict[str, Path], maps: dict[str, Path]
) -> None:
    faults = []
    for kind, found, place in (("photos", photos, PHOTOS), ("label maps", maps, MAPS)):
        missing = FirstFew.of([name for name in names if name not in found])
        if missing.count:
            faults.append(f"{place} has no {kind} {missing}")
    if faults:
        raise InputError(
            f"[datasets] {printable(folder)}: expected a photo and a label map for each name, got"
            f" {'; '.join(faults)}; add the files"
        )


def _check_values(folder: Path, maps: Sequence[Path], classes: int) -> None:
    faults = []
    for path in maps:
        values = np.unique(read_label_map(path))
        unknown = values[(values != IGNORED) & ((values < 0) | (values >= classes))]
        if len(unknown):
            faults.append(f"{path.name} ({', '.join(map(str, unknown[:5].tolist()))})")
    if faults:
        raise InputError(
            f"[datasets] {printable(folder / MAPS)}: expected class numbers from 0 to"
            f" {classes - 1}, and {IGNORED} for pixels to ignore, got other values in"
            f" {len(faults)} label maps: {FirstFew.of(faults)}; use label maps"
            " with the classes of the network"
        )

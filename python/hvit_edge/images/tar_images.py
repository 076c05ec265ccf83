"""Read images and their classes from tar files in the layout of WebDataset.

The files of a sample have one name up to the first dot: `0001.jpg` and `0001.cls`, the number of
its class as text. Other files of a sample, such as `0001.json`, are not read.
"""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hvit_edge.errors import InputError
from hvit_edge.images.file_names import printable
from hvit_edge.images.image_set import FirstFew, ImageSet, check_range
from hvit_edge.images.load_image import decode_image
from hvit_edge.images.suffixes import has_image_suffix

SUFFIX = ".tar"
CLASS = "cls"


@dataclass
class _Sample:
    """Holds the place of an image in a tar file, and the class of the sample."""

    shard: Path
    name: str = ""
    start: int = 0
    size: int = 0
    label: int | None = None


def open_tars(root: Path, shards: Sequence[Path], classes: int | None) -> ImageSet:
    """Open all images of tar files, in the order of the files and of their members.

    Args:
        root: the folder of the tar files, or the only one.
        shards: the tar files, which are not compressed.
        classes: number of classes of the network; None opens the images without labels.

    Raises:
        InputError: a file is no such tar file, there is no image, or a class is missing or wrong.
    """
    samples, others = [], []
    for shard in shards:
        for name, sample in _samples(shard).items():
            if sample.name:
                samples.append(sample)
            else:
                others.append(f"{shard.name}/{name}")
    if not samples:
        raise InputError(
            f"[datasets] {printable(root)}: expected images in tar files, got none; name the files"
            " of a sample 0001.jpg and 0001.cls"
        )
    labels = None if classes is None else _labels(root, samples, classes)
    names = [f"{sample.shard.name}/{sample.name}" for sample in samples]
    ignored = FirstFew.of(others)
    return ImageSet(
        str(root), names, labels, lambda i: _read(samples[i], names[i]), ignored=ignored
    )


def _samples(shard: Path) -> dict[str, _Sample]:
    """Return the samples of a tar file by name."""
    found: dict[str, _Sample] = {}
    try:
        with tarfile.open(shard, "r:") as archive:
            for member, name, kind in _files(archive):
                sample = found.setdefault(name, _Sample(shard))
                if kind == CLASS:
                    sample.label = _class_of(archive, member)
                elif has_image_suffix(f"{name}.{kind}") and "." not in kind and not sample.name:
                    sample.name = member.name
                    sample.start, sample.size = member.offset_data, member.size
    except (tarfile.TarError, OSError, EOFError) as error:
        raise InputError(
            f"[datasets] {printable(shard)}: expected a tar file without compression, got one that"
            f" cannot be read ({error}); write it with tar -cf"
        ) from error
    return found


def _files(archive: tarfile.TarFile) -> Iterator[tuple[tarfile.TarInfo, str, str]]:
    """Yield the files of an archive, with the name of the sample and the rest after the dot."""
    for member in archive:
        if member.isfile():
            folder, _, file = member.name.rpartition("/")
            name, _, kind = file.partition(".")
            yield member, f"{folder}/{name}" if folder else name, kind.lower()


def _class_of(archive: tarfile.TarFile, member: tarfile.TarInfo) -> int | None:
    """Return the number in a file; None if it is no number."""
    stream = archive.extractfile(member)
    text = stream.read(32).strip() if stream is not None else b""
    return int(text) if text.isdigit() else None


def _labels(root: Path, samples: Sequence[_Sample], classes: int) -> list[int]:
    without = FirstFew.of([f"{s.shard.name}/{s.name}" for s in samples if s.label is None])
    if without.count:
        raise InputError(
            f"[datasets] {printable(root)}: expected a file .{CLASS} with the number of the class"
            f" beside each image, got none for {without}; add them"
        )
    labels = [sample.label for sample in samples if sample.label is not None]
    check_range(root, np.asarray(labels), classes)
    return labels


def _read(sample: _Sample, name: str) -> np.ndarray:
    try:
        with open(sample.shard, "rb") as stream:
            stream.seek(sample.start)
            content = stream.read(sample.size)
    except OSError as error:
        raise InputError(
            f"[datasets] {printable(sample.shard)}: expected a tar file that can be read, got"
            f" {error.strerror or error}; check the path"
        ) from error
    return decode_image(io.BytesIO(content), name)

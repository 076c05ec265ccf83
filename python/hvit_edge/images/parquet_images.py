"""Read images and their classes from Parquet files: columns `image` and `label`.

`image` has the bytes of image files, or structs with the field `bytes`, as Hugging Face's datasets
write them.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from hvit_edge.errors import InputError, MissingPackageError, first_line
from hvit_edge.images.file_names import printable
from hvit_edge.images.image_set import ImageSet, check_range
from hvit_edge.images.load_image import decode_image

SUFFIX = ".parquet"
IMAGE, LABEL = "image", "label"
KEPT_GROUPS = 4
"""Number of row groups that stay in memory; images are read in their order."""


def open_parquet(root: Path, files: Sequence[Path], classes: int | None) -> ImageSet:
    """Open all images of Parquet files, in the order of the files and of their rows.

    Args:
        root: the folder of the files, or the only one.
        files: the Parquet files.
        classes: number of classes of the network; None opens the images without labels.

    Raises:
        MissingPackageError: pyarrow is not installed.
        InputError: a file is no such Parquet file, there is no image, or a class is wrong.
    """
    places: list[tuple[Path, int, int]] = []
    names: list[str] = []
    labels: list[int] = []
    for file in files:
        table = _opened(file, [IMAGE] if classes is None else [IMAGE, LABEL])
        if classes is not None:
            labels += _labels(file, table)
        row = 0
        for group in range(table.metadata.num_row_groups):
            for place in range(table.metadata.row_group(group).num_rows):
                places.append((file, group, place))
                names.append(f"{file.name}[{row}]")
                row += 1
    if not names:
        raise InputError(
            f"[datasets] {printable(root)}: expected images in Parquet files, got no row; name"
            " another file"
        )
    if classes is not None:
        check_range(root, np.asarray(labels), classes)
    known = None if classes is None else labels
    return ImageSet(str(root), names, known, lambda i: _read(*places[i], names[i]))


def _opened(file: Path, columns: Sequence[str]) -> Any:
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as error:
        raise MissingPackageError(
            "[datasets] expected pyarrow, which reads Parquet files, got no such package; pip"
            " install 'hvit-edge[ray]'",
            name="pyarrow",
        ) from error
    try:
        table = parquet.ParquetFile(file)
    except (pyarrow.ArrowException, OSError) as error:
        raise InputError(
            f"[datasets] {printable(file)}: expected a Parquet file, got one that cannot be read"
            f" ({first_line(error)}); write it again"
        ) from error
    missing = [name for name in columns if name not in table.schema_arrow.names]
    if missing:
        raise InputError(
            f"[datasets] {printable(file)}: expected the columns {' and '.join(columns)}, got"
            f" {', '.join(table.schema_arrow.names) or 'none'}; rename them"
        )
    return table


def _labels(file: Path, table: Any) -> list[int]:
    values: list[Any] = table.read(columns=[LABEL]).column(LABEL).to_pylist()
    if not all(type(value) is int for value in values):
        raise InputError(
            f"[datasets] {printable(file)}: expected whole numbers in the column {LABEL}, got"
            f" {table.schema_arrow.field(LABEL).type}; write the numbers of the classes"
        )
    return values


@lru_cache(maxsize=KEPT_GROUPS)
def _group(file: Path, group: int) -> Any:
    from pyarrow import parquet

    return parquet.ParquetFile(file).read_row_group(group, columns=[IMAGE]).column(IMAGE)


def _read(file: Path, group: int, place: int, name: str) -> np.ndarray:
    try:
        value = _group(file, group)[place].as_py()
    except OSError as error:
        raise InputError(
            f"[datasets] {printable(file)}: expected a Parquet file that can be read, got"
            f" {first_line(error)}; check the path"
        ) from error
    content = value.get("bytes") if isinstance(value, dict) else value
    if not isinstance(content, bytes):
        raise InputError(
            f"[datasets] {printable(name)}: expected the bytes of an image file, got"
            f" {type(content).__name__}; store the files, not their paths"
        )
    return decode_image(io.BytesIO(content), name)

"""Read NPZ files with one sample array per input, with or without a leading sample axis."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from hvit_edge.errors import InputError, first_line_of


def read_sample_file(path: str | os.PathLike, where: str) -> dict[str, np.ndarray]:
    """Return the arrays of an NPZ file by name, in the order of the file.

    Raises:
        InputError: the file does not exist, or is not an NPZ file of plain arrays.
    """
    try:
        file = np.load(path, allow_pickle=False)
        if not isinstance(file, np.lib.npyio.NpzFile):
            raise ValueError("a single array")
        with file:
            return {name: file[name] for name in file.files}
    except OSError as error:
        reason = error.strerror or "not an NPZ file"
    except (ValueError, zipfile.BadZipFile, EOFError, KeyError) as error:
        reason = first_line_of(str(error)) or type(error).__name__
    raise InputError(
        f"[{where}] sample: expected an NPZ file with an array for each input, got {path}:"
        f" {reason}; write one with numpy.savez(path, name=array, ...)"
    )


def read_samples(
    path: str | os.PathLike,
    names: Sequence[str],
    like: Sequence[np.ndarray],
    where: str,
) -> list[tuple[np.ndarray, ...]]:
    """Read the samples in an NPZ file, or in every NPZ file of a folder by name.

    Args:
        path: the file or folder. Arrays are found by name, or by position as `arr_0`, `arr_1` and
            so on.
        names: names of the inputs.
        like: an array of the right shape and dtype for each input. Arrays in the file may have an
            additional leading sample axis; then all must have one, of the same length.
        where: name of the public function that was called, for messages.

    Returns:
        One tuple of arrays for each sample, in the order of `names`.

    Raises:
        InputError: see `read_sample_file`; or names, shapes or dtypes do not match the inputs, or a
            folder has no NPZ file.
    """
    source = Path(path)
    files = sorted(source.glob("*.npz")) if source.is_dir() else [source]
    if not files:
        raise InputError(
            f"[{where}] sample: expected NPZ files in {path}, got a folder without one; write them"
            " with numpy.savez(path, name=array, ...)"
        )
    return [sample for file in files for sample in _samples_of(file, names, like, where)]


def _samples_of(
    file: Path, names: Sequence[str], like: Sequence[np.ndarray], where: str
) -> list[tuple[np.ndarray, ...]]:
    arrays = read_sample_file(file, where)
    if list(arrays) == [f"arr_{index}" for index in range(len(names))]:
        arrays = dict(zip(names, arrays.values(), strict=True))
    faults = [f"no {name}" for name in names if name not in arrays]
    faults += [f"an unknown {name}" for name in arrays if name not in names]
    if not faults:
        faults = list(_shape_faults(names, like, arrays))
    if faults:
        expected = (f"{n} {a.dtype.name} {list(a.shape)}" for n, a in zip(names, like, strict=True))
        raise InputError(
            f"[{where}] sample {file}: expected {', '.join(expected)}, or the same with a leading"
            f" sample axis, got {'; '.join(faults)}; give each array by its name, shape and dtype"
        )
    ordered = [np.asarray(arrays[name], order="C") for name in names]
    if ordered[0].ndim == like[0].ndim:
        return [tuple(ordered)]
    return [tuple(parts) for parts in zip(*ordered, strict=True)]


def _shape_faults(names: Sequence[str], like: Sequence[np.ndarray], arrays: dict):
    counts = set()
    for name, wanted in zip(names, like, strict=True):
        array = arrays[name]
        many = array.ndim == wanted.ndim + 1
        fits = array.shape[1:] == wanted.shape if many else array.shape == wanted.shape
        if array.dtype != wanted.dtype or not fits or (many and not len(array)):
            yield f"{name} {array.dtype.name} {list(array.shape)}"
        elif array.dtype.kind == "f" and not np.isfinite(array).all():
            yield f"NaN or infinity in {name}"
        counts.add(len(array) if many else None)
    if len(counts) > 1:
        yield "arrays with different numbers of samples"

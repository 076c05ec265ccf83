"""Write a package folder to the disk, completely or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from hvit_edge.artifact.container import check_folder
from hvit_edge.errors import InputError

SUFFIX = ".mlpackage"
MANIFEST = "Manifest.json"


def check_package_output(path: Path, *, force: bool) -> None:
    """Check, before any work is done, that a package can and may be written.

    Raises:
        InputError: the suffix is another one; a package exists and `force` is not set; something
            else exists there; or the folder is missing or read-only.
    """
    if path.suffix != SUFFIX:
        raise InputError(
            f"[output] expected a name that ends in {SUFFIX}, as Core ML requires, got {path.name};"
            f" use {path.with_suffix(SUFFIX).name}"
        )
    is_package = path.is_dir() and (path / MANIFEST).is_file()
    if path.exists() and not is_package:
        raise InputError(
            f"[output] expected a new package or an old one to replace, got something else: {path};"
            " choose another name"
        )
    if is_package and not force:
        raise InputError(
            f"[output] expected a new package, got an existing one: {path};"
            " choose another name or pass --force (force=True)"
        )
    check_folder(path.parent)


def write_package(path: Path, save: Callable[[Path], None], *, force: bool) -> int:
    """Write a package with `save`, and rename it to `path` when it is complete.

    An existing package is moved away first, and moved back if the new one cannot be renamed.

    Args:
        path: the package.
        save: writes a package to the path that it is given. If it raises, no package appears.
        force: replace an existing package.

    Returns:
        The total size of its files in bytes.

    Raises:
        InputError: see `check_package_output`, or the disk is full or fails.
    """
    check_package_output(path, force=force)
    try:
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}.") as folder:
            written, old = Path(folder) / f"new{SUFFIX}", Path(folder) / "old"
            save(written)
            if path.exists():
                os.rename(path, old)
            try:
                os.rename(written, path)
            except OSError:
                if old.exists():
                    os.rename(old, path)
                raise
    except (OSError, shutil.Error) as error:
        raise InputError(
            f"[output] expected to write {path}, got: {error};"
            " free disk space or choose another folder"
        ) from error
    return package_bytes(path)


def package_bytes(path: Path) -> int:
    """Return the total size of the files of a package in bytes."""
    return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())

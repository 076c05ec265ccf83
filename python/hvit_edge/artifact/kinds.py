"""The kind of an artifact by its name, and the task by its metadata."""

from __future__ import annotations

import os
from pathlib import Path

from hvit_edge.artifact.metadata import CLASSIFY, Metadata
from hvit_edge.artifact.package_file import MANIFEST, SUFFIX
from hvit_edge.errors import ArtifactError


def is_package(path: str | Path) -> bool:
    """Whether the name is that of a Core ML package; what is there may be anything.

    Raises:
        ArtifactError: a package whose folder has another name, which Core ML would not open.
    """
    try:
        named = Path(os.fsdecode(path))
    except TypeError:
        return False  # no path: the runtime says what is wrong with it
    if named.suffix != SUFFIX and (named / MANIFEST).is_file():
        raise ArtifactError(
            f"[open] expected a package's name to end in {SUFFIX}, as Core ML wants, got {named};"
            f" rename it to {named.name}{SUFFIX}"
        )
    return named.suffix == SUFFIX


def check_classifies(metadata: Metadata, path: str | Path) -> None:
    """Refuse an artifact of another task than to classify photos with an ArtifactError."""
    if metadata.task != CLASSIFY:
        session = "PackageSession" if is_package(path) else "Session"
        raise ArtifactError(
            f"[Classifier] expected an artifact of the task {CLASSIFY}, got one of the task"
            f" {metadata.task}: {path}; use hvit_edge.{session}, which takes and returns arrays,"
            " and `hvit-edge validate` to check it"
        )

"""Find the kind of an artifact from its name, and check its task."""

from __future__ import annotations

import os
from pathlib import Path

from hvit_edge.artifact.metadata import CLASSIFY, TENSOR, Metadata
from hvit_edge.artifact.package_file import MANIFEST, SUFFIX
from hvit_edge.errors import ArtifactError, InputError
from hvit_edge.tasks.names import DETECT, EMBED, SEGMENT

_OPENED_BY = {EMBED: "Embedder", SEGMENT: "Segmenter", DETECT: "Detector"}


def is_package(path: str | Path) -> bool:
    """Return True if the name is that of a Core ML package; the content is not checked.

    Raises:
        ArtifactError: a package has a folder with another name, which Core ML cannot open.
    """
    try:
        named = Path(os.fsdecode(path))
    except TypeError:
        return False  # not a path; the runtime raises an error for it
    if named.suffix != SUFFIX and (named / MANIFEST).is_file():
        raise ArtifactError(
            f"[open] expected the name of a package to end in {SUFFIX}, as Core ML requires, got"
            f" {named}; rename it to {named.name}{SUFFIX}"
        )
    return named.suffix == SUFFIX


def check_exists(path: str | Path) -> None:
    """Check that there is an artifact, before anything is imported that opens one.

    Raises:
        ArtifactError: there is no such package.
        InputError: there is no such file.
    """
    if os.path.exists(path):
        return
    if is_package(path):
        raise missing_package(path)
    raise InputError(
        f"[Session.load] expected an artifact, got no such file: {path}; check the path"
    )


def missing_package(path: str | Path) -> ArtifactError:
    """Return the error for a package that does not exist."""
    return ArtifactError(
        f"[read_package] expected a package at {path}, got nothing; copy the whole folder again, or"
        " convert the model again"
    )


def check_classifies(metadata: Metadata, path: str | Path) -> None:
    """Raise ArtifactError if an artifact does not classify photos."""
    if metadata.task == CLASSIFY:
        return
    if metadata.task == TENSOR:
        session = "PackageSession" if is_package(path) else "Session"
        remedy = (
            f"use hvit_edge.{session}, which takes and returns arrays, and `hvit-edge validate` to"
            " check it"
        )
    else:
        remedy = f"use {_OPENED_BY[metadata.task]}, or `hvit-edge run`, which opens any task"
    raise ArtifactError(
        f"[Classifier] expected an artifact of the task {CLASSIFY}, got one of the task"
        f" {metadata.task}: {path}; {remedy}"
    )

"""Check that a package was written as it was evaluated."""

from __future__ import annotations

from filecmp import cmp
from pathlib import Path

from hvit_edge.coreml.blobs import references
from hvit_edge.coreml.package import Package, read_package
from hvit_edge.errors import ArtifactError


def check_written(path: str | Path, evaluated: Package) -> None:
    """Read the package at `path`, and compare its program and weights with an evaluated package.

    Descriptions and metadata may differ, because they are added after the evaluation.

    Raises:
        ArtifactError: the package cannot be read, or has another program or other weights.
    """
    written = read_package(path)
    faults = []
    if written.spec.mlProgram.functions != evaluated.spec.mlProgram.functions:
        faults.append("another program")
    if written.suppression != evaluated.suppression:
        faults.append("another suppression of boxes")
    stored = {each.value.blobFileValue.fileName for each in references(evaluated.spec)}
    for name in sorted(each.split("/")[-1] for each in stored):
        if not cmp(written.weights / name, evaluated.weights / name, shallow=False):
            faults.append(f"other weights in {name}")
    if faults:
        raise ArtifactError(
            f"[compile] expected {path} to hold the program that was evaluated, got"
            f" {' and '.join(faults)}; check the disk, and compile the model again"
        )

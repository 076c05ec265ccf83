"""Describe the contents of an artifact. Imports no torch."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from hvit_edge.artifact.calls import count_calls
from hvit_edge.artifact.kinds import is_package
from hvit_edge.artifact.methods import entry_of
from hvit_edge.inspection.metadata_fields import metadata_fields

if TYPE_CHECKING:
    from hvit_edge.runtime import Session


def describe(path: str | Path) -> dict:
    """Return what `hvit-edge inspect` shows for an artifact.

    Returns:
        For a package, see `describe_package`. For a file: path, bytes, format ("pte"), inputs and
        outputs (lists of {"dtype", "shape"}, and "name" if the task names them),
        planned_memory_bytes, delegates and ops_outside (name to number of calls), metadata
        (docs/artifact.md). They are those of the first method; `methods` lists all methods of an
        artifact with several (name, batch, input_size, planned_memory_bytes, delegates and
        ops_outside), and is empty for others.

    Raises:
        ArtifactError: the file is not a usable artifact.
    """
    if is_package(path):
        from hvit_edge.inspection.packages import describe_package

        return describe_package(path)
    from hvit_edge.runtime import Session

    session = Session(path, prepare=False)  # checks the seal before anything is parsed here
    program = Path(path).read_bytes()
    delegates, outside = count_calls(program)
    return {
        "path": str(path),
        "bytes": len(program),
        "format": "pte",
        "inputs": [_tensor(spec) for spec in session.inputs],
        "outputs": [_tensor(spec) for spec in session.outputs],
        "planned_memory_bytes": session.planned_memory_bytes,
        "delegates": delegates,
        "ops_outside": outside,
        "metadata": metadata_fields(session.metadata),
        "methods": _methods(session, program),
    }


def _methods(session: Session, program: bytes) -> list[dict]:
    """Describe each method of a program with several."""
    found = []
    methods = session.metadata.methods
    for method in methods:
        session.select(method.name)
        delegates, outside = count_calls(program, entry_of(methods, method.name))
        found.append(
            {
                "name": method.name,
                "batch": method.batch,
                "input_size": list(method.size),
                "planned_memory_bytes": session.planned_memory_bytes,
                "delegates": delegates,
                "ops_outside": outside,
            }
        )
    return found


def _tensor(spec) -> dict:
    named = {"name": spec.name} if spec.name else {}
    return {**named, "dtype": str(spec.dtype), "shape": list(spec.shape)}

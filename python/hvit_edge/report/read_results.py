"""Read what other verbs wrote, and put what belongs to one artifact together."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hvit_edge.artifact.kinds import is_package
from hvit_edge.errors import InputError
from hvit_edge.evaluate.answers import SUFFIX, read_answers
from hvit_edge.images.file_names import printable

PEER = "hvit_edge_peer"
KEYS: dict[str, tuple[str, ...]] = {
    "peer": (PEER, "name"),
    "evaluation": ("artifact", "task", "data", "per_class"),
    "validation": ("artifact", "steps", "layers", "tolerance"),
    "latency": ("artifact", "latency_ms", "load_ms"),
    "profile": ("artifact", "operators", "unit", "inference"),
    "description": ("path", "format", "metadata"),
}
"""Kind of a result -> the keys by which its JSON is recognized."""


@dataclass
class Results:
    """Holds what is known of one artifact, as the JSON of the verbs; None for what is not.

    Attributes:
        name: path of the artifact as its results have it, or the name of a peer.
        description, validation, evaluation, latency, profile, peer: results by kind, see `KEYS`.
        header, answers: of the file of `eval --answers`.
    """

    name: str
    description: dict[str, Any] | None = None
    validation: dict[str, Any] | None = None
    evaluation: dict[str, Any] | None = None
    latency: dict[str, Any] | None = None
    profile: dict[str, Any] | None = None
    peer: dict[str, Any] | None = None
    header: dict[str, Any] | None = None
    answers: list[dict[str, Any]] | None = None


def read_results(paths: Sequence[str | Path]) -> list[Results]:
    """Return the results of each artifact, in the order in which they are first named.

    Args:
        paths: artifacts, JSON that `inspect`, `validate`, `eval`, `bench` and `profile` printed,
            files of `eval --answers`, and numbers of peers; see docs/report.md.

    Raises:
        InputError: a file cannot be read or is none of these, or two say the same of an artifact.
        ArtifactError: an artifact cannot be used.
    """
    found: dict[str, Results] = {}
    for path in paths:
        for kind, name, value in _read(Path(path)):
            results = found.setdefault(name, Results(name))
            if getattr(results, kind) is not None:
                raise InputError(
                    f"[report] {printable(path)}: expected one {kind} of {printable(name)}, got a"
                    " second one; leave one out"
                )
            setattr(results, kind, value)
    return list(found.values())


def _read(path: Path) -> list[tuple[str, str, Any]]:
    """Return kind, artifact and value of each result in a file."""
    if path.suffix == SUFFIX:
        header, rows = read_answers(path)
        return [("header", header["artifact"], header), ("answers", header["artifact"], rows)]
    if path.suffix == ".pte" or is_package(path):
        from hvit_edge.inspection.programs import describe

        return [("description", str(path), describe(path))]
    value = _json(path)
    kind = next((kind for kind, keys in KEYS.items() if all(key in value for key in keys)), None)
    if kind is None:
        raise _foreign(path, "other JSON")
    name = value["name"] if kind == "peer" else value.get("artifact", value.get("path"))
    against = value.get("against")
    baseline = [("evaluation", against["artifact"], against)] if against else []
    return [(kind, str(name), value), *baseline]


def _json(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise _foreign(path, getattr(error, "strerror", None) or "no JSON") from error
    if not isinstance(value, dict):
        raise _foreign(path, "JSON that is no object")
    return value


def _foreign(path: Path, got: str) -> InputError:
    return InputError(
        f"[report] {printable(path)}: expected an artifact, the JSON of inspect, validate, eval,"
        f" bench or profile, or answers in a {SUFFIX} file, got {got}; write it with --format json"
    )

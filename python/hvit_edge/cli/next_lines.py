"""Make the commands that `compile` suggests next; each works as printed, given a photo."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

from hvit_edge.artifact.metadata import TENSOR
from hvit_edge.sources.address import Address


def next_lines(model: Address, weights: str | None, report: dict[str, Any]) -> list[str]:
    """Return the suggested commands for an artifact.

    Args:
        model, weights: arguments of `compile`.
        report: report of the artifact, see `report.Report.to_dict`.
    """
    path = report["path"]
    timed = report["target"] in ("xnnpack", "native")
    commands = [
        ["run", path, "--self-test" if report["task"] == TENSOR else "PHOTO"],
        ["validate", path, *_made_by(model), *_weights(weights)],
        ["bench" if timed else "inspect", path],
    ]
    return [shlex.join(["hvit-edge", *command]) for command in commands]


def _made_by(model: Address) -> list[str]:
    """Return `--model` for a file or folder of this machine, which artifacts do not record."""
    local = model.kind == "file" or model.folder is not None
    return ["--model", model.text] if local else []


def _weights(weights: str | None) -> list[str]:
    """Return `--weights` for a checkpoint of this machine; artifacts record other sources."""
    return ["--weights", weights] if weights and Path(weights).exists() else []

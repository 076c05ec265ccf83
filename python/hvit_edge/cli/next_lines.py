"""Make the commands that `compile` suggests next; each works as printed, given a photo."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path

from hvit_edge.artifact.metadata import TENSOR
from hvit_edge.sources.address import read_address


def next_lines(args: argparse.Namespace, report: dict) -> list[str]:
    """Return the suggested commands for an artifact.

    Args:
        args: arguments of `compile`.
        report: report of the artifact, see `report.Report.to_dict`.
    """
    path = report["path"]
    timed = report["target"] in ("xnnpack", "native")
    commands = [
        *([] if report["task"] == TENSOR else [["run", path, "PHOTO"]]),
        ["validate", path, *_made_by(args.model), *_weights(args.weights)],
        ["bench" if timed else "inspect", path],
    ]
    return [shlex.join(["hvit-edge", *command]) for command in commands]


def _made_by(model: str) -> list[str]:
    """Return `--model` for a file or folder of this machine, which artifacts do not record."""
    address = read_address(model, "compile")
    local = address.kind == "file" or address.folder is not None
    return ["--model", model] if local else []


def _weights(weights: str | None) -> list[str]:
    """Return `--weights` for a checkpoint of this machine; artifacts record other sources."""
    return ["--weights", weights] if weights and Path(weights).exists() else []

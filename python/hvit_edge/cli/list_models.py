"""List the models: name, task, parameters, input size and sources of weights."""

from __future__ import annotations

import argparse

from hvit_edge.cli import text
from hvit_edge.cli.console import Console
from hvit_edge.cli.parser import VerbParser
from hvit_edge.sources.registered import MODELS


def add_arguments(parser: VerbParser) -> None:
    """Declare no options; `list` has only the common ones."""


def execute(args: argparse.Namespace, console: Console) -> int:
    """Print the models."""
    models = MODELS
    if args.format == "json":
        console.json(
            [
                {
                    "name": model.name,
                    "params": model.params,
                    "input_size": model.input_size,
                    "sources": model.sources,
                    "task": model.task,
                }
                for model in models
            ]
        )
        return 0
    rows = [
        (
            model.name,
            model.task,
            f"{model.params / 1e6:.2f} M",
            "x".join(str(side) for side in model.input_size),
            ", ".join(model.sources),
        )
        for model in models
    ]
    header = ("model", "task", "params", "input", "weights")
    console.print(text.table(header, rows, left=(0, 1, 4)))
    console.print("\nNext: hvit-edge compile MODEL --weights SOURCE")
    return 0

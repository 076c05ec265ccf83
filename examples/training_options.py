"""Define the command line of scripts that train a model."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from hvit_edge.errors import HvitEdgeError


def add_training_options(
    parser: argparse.ArgumentParser, *, input_size: int, batch: int, lr: float, ema: float
) -> None:
    """Declare the options of every training, with these defaults."""
    add = parser.add_argument
    add("--output", type=Path, required=True, help="the .safetensors to write")
    add("--input-size", type=int, default=input_size, help=f"side in pixels ({input_size})")
    add("--max-steps", type=int, help="stop at this step; run again to continue")
    add("--batch", type=int, default=batch)
    add("--lr", type=float, default=lr, help=f"peak learning rate ({lr})")
    add("--weight-decay", type=float, default=0.02)
    add("--clip", type=float, default=5.0, help="largest gradient norm (5)")
    add("--ema", type=float, default=ema, help=f"running average's memory ({ema or 'off'})")
    add("--seed", type=int, default=0)
    add("--device", choices=("cpu", "cuda"), default="cpu")
    add("--force", action="store_true", help="overwrite an existing output")


def parse_training(parser: argparse.ArgumentParser, argv: list[str] | None) -> argparse.Namespace:
    """Parse the command line; exit with a message if an option is impossible here."""
    args = parser.parse_args(argv)
    if args.output.suffix != ".safetensors":
        parser.error("--output must end in .safetensors")
    if args.device == "cuda" and not torch.cuda.is_available():
        parser.error("--device cuda: PyTorch sees no GPU here; use --device cpu")
    return args


def print_result(train: Callable[[], dict[str, Any]]) -> int:
    """Train, print the result as JSON or the error, and return the exit code."""
    try:
        print(json.dumps(train()))
    except HvitEdgeError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0

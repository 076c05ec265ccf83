"""Declare the options for the preprocessing of photos."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from hvit_edge.cli.parser import VerbParser, choice, resize_rule, three_numbers

if TYPE_CHECKING:
    from hvit_edge.weights.preprocess_choice import PreprocessChoice


def add_preprocess(parser: VerbParser) -> None:
    """Declare `--preprocess` and the options for single fields."""
    parser.add_argument(
        "--preprocess",
        metavar="FILE|timm|imagenet",
        help="preprocessing of photos: JSON with fields of Preprocess, a timm config.json or a"
        " preprocessor_config.json; imagenet: as torchvision's classifiers; timm: as in the"
        " model's pretrained_cfg, or timm's default (default: as the weights expect)",
    )
    parser.add_argument(
        "--mean",
        type=three_numbers,
        metavar="R,G,B",
        help="mean in (byte / 255 - mean) / std, in the network's channel order; this and the"
        " following options replace single fields",
    )
    parser.add_argument("--std", type=three_numbers, metavar="R,G,B", help="see --mean")
    parser.add_argument(
        "--resize",
        type=resize_rule,
        metavar="SIDE|stretch[:SIDE]",
        help="resize the shorter side to SIDE, then crop the center; stretch: resize both sides to"
        " the input size; stretch:SIDE: resize both sides to SIDE, then crop the center",
    )
    parser.add_argument(
        "--interpolation",
        metavar="FILTER",
        help="filter of the resize: bilinear, bicubic or lanczos",
    )
    parser.add_argument(
        "--channel-order",
        type=choice("RGB", "BGR"),
        metavar="{RGB,BGR}",
        help="order of the channels in the input of the network",
    )


def chosen_preprocess(args: argparse.Namespace) -> PreprocessChoice | None:
    """Return the preprocessing that the options choose; None if no option is given."""
    from dataclasses import replace

    from hvit_edge.weights.preprocess_choice import read_choice

    names = ("mean", "std", "interpolation", "channel_order")
    fields = {name: getattr(args, name) for name in names if getattr(args, name) is not None}
    fields |= args.resize or {}
    if args.preprocess is None and not fields:
        return None
    return replace(read_choice(args.preprocess, "compile"), fields=fields)

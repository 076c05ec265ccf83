"""The options that say how a photo is prepared."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from hvit_edge.cli.parser import VerbParser, choice, resize_rule, three_numbers

if TYPE_CHECKING:
    from hvit_edge.sources.preprocess_choice import PreprocessChoice


def add_preprocess(parser: VerbParser) -> None:
    """Declare `--preprocess` and the options of its single fields."""
    parser.add_argument(
        "--preprocess",
        metavar="FILE|timm|imagenet",
        help="how a photo is prepared: JSON with fields of Preprocess, a timm config.json or a"
        " preprocessor_config.json; imagenet: torchvision's way; timm: that of the model's"
        " pretrained_cfg, or timm's default (default: that of the weights)",
    )
    parser.add_argument(
        "--mean",
        type=three_numbers,
        metavar="R,G,B",
        help="of (byte / 255 - mean) / std, in the network's channel order; in place of that field"
        " alone, as the following",
    )
    parser.add_argument("--std", type=three_numbers, metavar="R,G,B", help="see --mean")
    parser.add_argument(
        "--resize",
        type=resize_rule,
        metavar="SIDE|stretch[:SIDE]",
        help="the shorter side before the center is cropped; stretch: both sides to the input's, or"
        " to SIDE before the center is cropped",
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
        help="the order in which the network takes the channels",
    )


def chosen_preprocess(args: argparse.Namespace) -> PreprocessChoice | None:
    """Return what the options say; None if none was given."""
    from dataclasses import replace

    from hvit_edge.sources.preprocess_choice import read_choice

    names = ("mean", "std", "interpolation", "channel_order")
    fields = {name: getattr(args, name) for name in names if getattr(args, name) is not None}
    fields |= args.resize or {}
    if args.preprocess is None and not fields:
        return None
    return replace(read_choice(args.preprocess, "compile"), fields=fields)

"""Checkpoints of timm: its key formats, and what its config.json says about photos."""

from __future__ import annotations

import math
from typing import Any

from hvit_edge.errors import InputError
from hvit_edge.preprocess import Preprocess
from hvit_edge.weights.keymap import KeyFormat

MOBILEVIT = KeyFormat(
    name="timm MobileViT",
    family="MobileViT",
    rules=(
        (r"\.bn\.", ".norm."),
        (r"\.conv1_1x1\.", ".expand."),
        (r"\.conv2_kxk\.", ".depthwise."),
        (r"\.conv3_1x1\.", ".project."),
        (r"\.conv_kxk\.", ".local."),
        (r"\.conv_1x1\.", ".embed."),
        (r"\.conv_proj\.", ".unembed."),
        (r"\.conv_fusion\.", ".fuse."),
        (r"^final_conv\.", "final."),
        (r"^head\.fc\.", "head."),
    ),
)

# Like the authors' format, but patch merging opens a stage where theirs closes the one before.
SWIN = KeyFormat(
    name="timm Swin",
    family="SwinTransformer",
    rules=(
        (r"^patch_embed\.proj\.", "embed.conv."),
        (r"^patch_embed\.norm\.", "embed.norm."),
        (r"^layers\.", "stages."),
        (r"\.downsample\.", ".merge."),
        (r"\.attn\.(qkv|proj)\.", r".attn.attn.\1."),
        (r"\.relative_position_bias_table$", ".bias_table"),
        (r"^head\.fc\.", "head."),
    ),
)


def read_preprocess(config: dict[str, Any]) -> Preprocess:
    """The `pretrained_cfg` of a timm config.json as a Preprocess.

    timm resizes the shorter side to floor(input / crop_pct) and crops the centre.

    Raises:
        InputError: a field is missing, or has a value that Preprocess cannot express.
    """
    cfg = config.get("pretrained_cfg", config)
    missing = [f for f in ("input_size", "interpolation", "mean", "std") if f not in cfg]
    if missing:
        raise InputError(f"[timm config] expected {', '.join(missing)} in pretrained_cfg, got none")
    channels, height, width = cfg["input_size"]
    mode, crop_pct = cfg.get("crop_mode") or "center", cfg.get("crop_pct") or 0.875
    if channels != 3 or height != width:
        raise InputError(
            f"[timm config] input_size: expected [3, side, side], got {cfg['input_size']}"
        )
    common = {
        "input_size": (height, width),
        "interpolation": cfg["interpolation"],
        "mean": tuple(cfg["mean"]),
        "std": tuple(cfg["std"]),
    }
    if mode == "center":
        return Preprocess(resize_size=math.floor(height / crop_pct), **common)
    if mode == "squash" and crop_pct == 1:
        return Preprocess(resize="stretch", **common)
    raise InputError(
        f"[timm config] crop_mode: expected 'center', or 'squash' with crop_pct 1, got {mode!r}"
        f" with crop_pct {crop_pct}; pass a Preprocess of your own"
    )


def read_labels(config: dict[str, Any]) -> tuple[str, ...]:
    """Class names of a timm config.json, where it carries any."""
    cfg = config.get("pretrained_cfg", config)
    names = cfg.get("label_names") or config.get("label_names") or ()
    descriptions = cfg.get("label_descriptions") or config.get("label_descriptions") or {}
    return tuple(descriptions.get(name, name) for name in names)


def read_num_classes(config: dict[str, Any]) -> int | None:
    """Class count of a timm config.json, where it says."""
    return config.get("num_classes") or config.get("pretrained_cfg", {}).get("num_classes")

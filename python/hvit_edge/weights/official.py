"""Define the key formats of the papers' repositories: Conformer, Shunted Transformer, Swin."""

from __future__ import annotations

import re

from hvit_edge.weights import timm
from hvit_edge.weights.keymap import KeyFormat


def _lowered(amount: int, theirs: str, ours: str, numbers: range) -> tuple[tuple[str, str], ...]:
    """Return rules for a numbered prefix whose numbers are `amount` higher than ours."""
    return tuple(
        ("^" + re.escape(theirs.format(number)), ours.format(number - amount)) for number in numbers
    )


CONFORMER = KeyFormat(
    name="official Conformer",
    family="Conformer",
    rules=(
        (r"^conv1\.", "stem.conv."),
        (r"^bn1\.", "stem.norm."),
        (r"^cls_token$", "class_token"),
        (r"^trans_patch_conv\.", "patch_embed."),
        (r"^conv_1\.", "first_conv."),
        (r"^trans_1\.", "first_transformer."),
        (r"^trans_norm\.", "token_norm."),
        (r"^trans_cls_head\.", "token_head."),
        (r"^conv_cls_head\.", "conv_head."),
        *_lowered(2, "conv_trans_{}.", "blocks.{}.", range(2, 13)),
        (r"\.cnn_block\.", ".conv_block."),
        (r"\.fusion_block\.", ".fuse."),
        (r"\.squeeze_block\.conv_project\.", ".to_tokens.project."),
        (r"\.squeeze_block\.ln\.", ".to_tokens.norm."),
        (r"\.expand_block\.conv_project\.", ".to_map.project."),
        (r"\.expand_block\.bn\.", ".to_map.norm."),
        (r"\.trans_block\.", ".transformer."),
        (r"\.(conv|bn)1\.", r".reduce.\1."),
        (r"\.(conv|bn)2\.", r".spatial.\1."),
        (r"\.(conv|bn)3\.", r".expand.\1."),
        (r"\.residual_(conv|bn)\.", r".skip.\1."),
        (r"\.bn\.", ".norm."),
        (r"\.conv_block\.", ".conv."),
    ),
)

SHUNTED = KeyFormat(
    name="official Shunted Transformer",
    family="ShuntedTransformer",
    rules=(
        *_lowered(1, "patch_embed{}.", "stages.{}.embed.", range(1, 5)),
        *_lowered(1, "block{}.", "stages.{}.blocks.", range(1, 5)),
        *_lowered(1, "norm{}.", "stages.{}.norm.", range(1, 5)),
        (r"\.embed\.proj\.", ".embed.conv."),
        (r"\.attn\.sr1\.", ".attn.coarse.reduce."),
        (r"\.attn\.sr2\.", ".attn.fine.reduce."),
        (r"\.attn\.(norm|kv)1\.", r".attn.coarse.\1."),
        (r"\.attn\.(norm|kv)2\.", r".attn.fine.\1."),
        (r"\.local_conv1\.", ".coarse.local."),
        (r"\.local_conv2\.", ".fine.local."),
        (r"\.local_conv\.", ".local."),
        (r"\.dwconv\.dwconv\.", ".local."),
    ),
)

SWIN = KeyFormat(
    name="official Swin",
    family="SwinTransformer",
    rules=(
        (r"^layers\.0\.downsample\.", "stages.1.merge."),
        (r"^layers\.1\.downsample\.", "stages.2.merge."),
        (r"^layers\.2\.downsample\.", "stages.3.merge."),
        *timm.SWIN.rules,
    ),
)

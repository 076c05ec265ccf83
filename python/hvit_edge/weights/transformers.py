"""Checkpoints of Hugging Face transformers: key formats, and what their configs say."""

from __future__ import annotations

from typing import Any

from hvit_edge.errors import InputError
from hvit_edge.preprocess import Preprocess
from hvit_edge.weights.keymap import KeyFormat

_QKV = (("query", "key", "value"), "qkv")

MOBILEVIT = KeyFormat(
    name="transformers MobileViT",
    family="MobileViT",
    rules=(
        (r"^mobilevit\.", ""),
        (r"\.convolution\.", ".conv."),
        (r"\.normalization\.", ".norm."),
        (r"^conv_stem\.", "stem."),
        (r"^conv_1x1_exp\.", "final."),
        (r"^classifier\.", "head."),
        (r"^encoder\.layer\.([01])\.layer\.", r"stages.\1."),
        (r"^encoder\.layer\.([234])\.downsampling_layer\.", r"stages.\1.0."),
        (r"^encoder\.layer\.([234])\.", r"stages.\1.1."),
        (r"\.expand_1x1\.", ".expand."),
        (r"\.conv_3x3\.", ".depthwise."),
        (r"\.reduce_1x1\.", ".project."),
        (r"\.conv_kxk\.", ".local."),
        (r"\.conv_1x1\.conv\.", ".embed."),
        (r"\.transformer\.layer\.", ".transformer."),
        (r"\.attention\.attention\.", ".attn."),
        (r"\.attention\.output\.dense\.", ".attn.proj."),
        (r"\.intermediate\.dense\.", ".mlp.fc1."),
        (r"\.output\.dense\.", ".mlp.fc2."),
        (r"\.layernorm_before\.", ".norm1."),
        (r"\.layernorm_after\.", ".norm2."),
        (r"\.layernorm\.", ".norm."),
        (r"\.conv_projection\.", ".unembed."),
        (r"\.fusion\.", ".fuse."),
    ),
    fused=_QKV,
)

SWIN = KeyFormat(
    name="transformers Swin",
    family="SwinTransformer",
    rules=(
        (r"^swin\.", ""),
        (r"^embeddings\.patch_embeddings\.projection\.", "embed.conv."),
        (r"^embeddings\.norm\.", "embed.norm."),
        (r"^layernorm\.", "norm."),
        (r"^classifier\.", "head."),
        (r"^encoder\.layers\.0\.downsample\.", "stages.1.merge."),
        (r"^encoder\.layers\.1\.downsample\.", "stages.2.merge."),
        (r"^encoder\.layers\.2\.downsample\.", "stages.3.merge."),
        (r"^encoder\.layers\.", "stages."),
        (r"\.attention\.self\.relative_position_bias_table$", ".attn.bias_table"),
        (r"\.attention\.self\.", ".attn.attn."),
        (r"\.attention\.output\.dense\.", ".attn.attn.proj."),
        (r"\.intermediate\.dense\.", ".mlp.fc1."),
        (r"\.output\.dense\.", ".mlp.fc2."),
        (r"\.layernorm_before\.", ".norm1."),
        (r"\.layernorm_after\.", ".norm2."),
    ),
    fused=_QKV,
)

"""Define the key format of ml-cvnets, the repository of MobileViT's authors."""

from __future__ import annotations

from hvit_edge.preprocess import Preprocess
from hvit_edge.weights.keymap import KeyFormat

# Depths of the transformers of stages 3, 4 and 5. The number of the last norm follows the blocks'.
_LAST_NORMS = {3: 2, 4: 4, 5: 3}

MOBILEVIT = KeyFormat(
    name="ml-cvnets MobileViT",
    family="MobileViT",
    rules=(
        (r"^encoder\.", ""),
        (r"\.block\.(conv|norm)\.", r".\1."),
        (r"^conv_1\.", "stem."),
        (r"^conv_1x1_exp\.", "final."),
        (r"^classifier\.(fc\.)?", "head."),
        *(
            (rf"^layer_{stage}\.1\.global_rep\.{norm}\.", f"layer_{stage}.1.norm.")
            for stage, norm in _LAST_NORMS.items()
        ),
        *((rf"^layer_{stage}\.", f"stages.{stage - 1}.") for stage in range(1, 6)),
        (r"\.block\.exp_1x1\.", ".expand."),
        (r"\.block\.conv_3x3\.", ".depthwise."),
        (r"\.block\.red_1x1\.", ".project."),
        (r"\.local_rep\.conv_3x3\.", ".local."),
        (r"\.local_rep\.conv_1x1\.conv\.", ".embed."),
        (r"\.global_rep\.", ".transformer."),
        (r"\.pre_norm_mha\.0\.", ".norm1."),
        (r"\.pre_norm_mha\.1\.qkv_proj\.", ".attn.qkv."),
        (r"\.pre_norm_mha\.1\.out_proj\.", ".attn.proj."),
        (r"\.pre_norm_ffn\.0\.", ".norm2."),
        (r"\.pre_norm_ffn\.1\.", ".mlp.fc1."),
        (r"\.pre_norm_ffn\.4\.", ".mlp.fc2."),
        (r"\.conv_proj\.", ".unembed."),
        (r"\.fusion\.", ".fuse."),
    ),
    # The authors evaluate with this preprocessing. They read photos with OpenCV, which gives BGR.
    preprocess=Preprocess(
        (256, 256), resize_size=288, interpolation="bilinear", channel_order="BGR"
    ),
)

DEEPLAB = KeyFormat(
    name="ml-cvnets DeepLabV3 with MobileViT",
    family="DeepLabMobileViT",
    rules=(
        (r"^seg_head\.classifier\.(classifier\.)?block\.conv\.", "head."),
        (r"^seg_head\.aspp\.aspp_layer\.convs\.4\.aspp_pool\.conv_1x1\.", "pyramid.pooled."),
        (r"^seg_head\.aspp\.aspp_layer\.convs\.", "pyramid.branches."),
        (r"^seg_head\.aspp\.aspp_layer\.project\.", "pyramid.join."),
        *MOBILEVIT.rules,
    ),
)

SSD = KeyFormat(
    name="ml-cvnets SSDLite with MobileViT",
    family="SsdMobileViT",
    rules=(
        (r"^extra_layers\.os_64\.", "extra.0."),
        (r"^extra_layers\.os_128\.", "extra.1."),
        (r"^extra_layers\.os_256\.", "extra.2."),
        (r"^extra_layers\.os_-1\.1\.", "extra.3."),
        (r"^ssd_heads\.(\d)\.proj_layer\.", r"heads.\1.project."),
        (r"^ssd_heads\.(\d)\.loc_cls_layer\.dw_conv\.", r"heads.\1.depthwise."),
        (r"^ssd_heads\.(\d)\.loc_cls_layer\.(pw_conv\.)?block\.conv\.", r"heads.\1.predict."),
        (r"\.dw_conv\.", ".depthwise."),
        (r"\.pw_conv\.", ".pointwise."),
        *MOBILEVIT.rules,
    ),
)

"""Read checkpoints of Hugging Face transformers: key formats and config files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hvit_edge.errors import InputError
from hvit_edge.labels import read_labels as labels_of
from hvit_edge.preprocess import IMAGENET_MEAN, IMAGENET_STD, Preprocess
from hvit_edge.weights.fields import Fields, is_whole, same
from hvit_edge.weights.keymap import KeyFormat
from hvit_edge.weights.transformers_processor import read_preprocess

__all__ = [
    "DEEPLAB",
    "MOBILEVIT",
    "SWIN",
    "check_config",
    "is_config",
    "model_type",
    "read_input_size",
    "read_labels",
    "read_num_classes",
    "read_preprocess",
]

_QKV = (("query", "key", "value"), "qkv")
# Preprocessing of the networks that Apple and Microsoft published in these formats.
_APPLE = Preprocess((256, 256), resize_size=288, interpolation="bilinear", channel_order="BGR")
_MICROSOFT = Preprocess(
    (224, 224), resize="stretch", interpolation="bicubic", mean=IMAGENET_MEAN, std=IMAGENET_STD
)

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
    preprocess=_APPLE,
)

DEEPLAB = KeyFormat(
    name="transformers DeepLabV3 with MobileViT",
    family="DeepLabMobileViT",
    rules=(
        (r"^segmentation_head\.classifier\.convolution\.", "head."),
        (r"^segmentation_head\.aspp\.convs\.4\.conv_1x1\.", "pyramid.pooled."),
        (r"^segmentation_head\.aspp\.convs\.", "pyramid.branches."),
        (r"^segmentation_head\.aspp\.project\.", "pyramid.join."),
        *MOBILEVIT.rules,
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
        (r"\.attention\.(.*\.)?relative_position_bias_table$", ".attn.bias_table"),
        (r"\.attention\.self\.", ".attn.attn."),
        (r"\.attention\.output\.dense\.", ".attn.attn.proj."),
        # Names in the memory of transformers 5; its files keep the names above.
        (r"\.attention\.q_proj\.", ".attn.attn.query."),
        (r"\.attention\.k_proj\.", ".attn.attn.key."),
        (r"\.attention\.v_proj\.", ".attn.attn.value."),
        (r"\.attention\.o_proj\.", ".attn.attn.proj."),
        (r"\.intermediate\.dense\.", ".mlp.fc1."),
        (r"\.output\.dense\.", ".mlp.fc2."),
        (r"\.layernorm_before\.", ".norm1."),
        (r"\.layernorm_after\.", ".norm2."),
    ),
    fused=_QKV,
    preprocess=_MICROSOFT,
)

# Values in a config.json that match the definitions of this package. A missing key has the default
# of transformers, which is the same, or the shapes of the weights show a difference.
_NETWORK: dict[str, dict[str, tuple[Any, ...]]] = {
    "mobilevit": {
        "hidden_act": ("silu", "swish"),
        "layer_norm_eps": (1e-5,),
        "num_attention_heads": (4,),
        "num_channels": (3,),
        "output_stride": (32,),
        "patch_size": (2, (2, 2)),
        "conv_kernel_size": (3,),
        "mlp_ratio": (2.0,),
        "qkv_bias": (True,),
    },
    "swin": {
        "hidden_act": ("gelu",),
        "layer_norm_eps": (1e-5,),
        "num_channels": (3,),
        "patch_size": (4, (4, 4)),
        "window_size": (7,),
        "embed_dim": (96,),
        "depths": ((2, 2, 6, 2),),
        "num_heads": ((3, 6, 12, 24),),
        "num_layers": (4,),
        "hidden_size": (768,),
        "mlp_ratio": (4.0,),
        "qkv_bias": (True,),
        "use_absolute_embeddings": (False,),
    },
}
_VARIANTS: dict[str, dict[str, tuple[Any, ...]]] = {
    "mobilevit_xxs": {
        "hidden_sizes": ((64, 80, 96),),
        "neck_hidden_sizes": ((16, 16, 24, 48, 64, 80, 320),),
        "expand_ratio": (2.0,),
    },
    "mobilevit_xs": {
        "hidden_sizes": ((96, 120, 144),),
        "neck_hidden_sizes": ((16, 32, 48, 64, 80, 96, 384),),
        "expand_ratio": (4.0,),
    },
    "mobilevit_s": {
        "hidden_sizes": ((144, 192, 240),),
        "neck_hidden_sizes": ((16, 32, 64, 96, 128, 160, 640),),
        "expand_ratio": (4.0,),
    },
}
_SEGMENTER = "deeplabv3_"  # begins the names of networks with a segmentation head
_OF_SEGMENTER: dict[str, tuple[Any, ...]] = {
    "output_stride": (16,),
    "aspp_out_channels": (256,),
    "atrous_rates": ((6, 12, 18),),
}
# With these, the weights or the code are not those of the plain network.
_NEVER = ("quantization_config", "pruned_heads", "auto_map")


def is_config(config: Mapping[str, Any]) -> bool:
    """Return True for a config.json of transformers."""
    return "model_type" in config


def model_type(name: str) -> str:
    """Return the `model_type` of a registered model in configs of transformers."""
    return name.removeprefix(_SEGMENTER).split("_")[0]


def check_config(config: Mapping[str, Any], name: str | None = None) -> None:
    """Raise InputError if a transformers config.json is for another network than ours.

    Args:
        config: content of the file.
        name: registered name of the model; None for any model of the known families.
    """
    fields = Fields(config, "transformers config")
    kind = config.get("model_type")
    wanted = [k for k in _NETWORK if name is None or model_type(name) == k]
    if kind not in wanted:
        expected = " or ".join(wanted) or f"none, as transformers has no {name}"
        raise InputError(
            f"[transformers config] model_type: expected {expected}, got {kind!r}; pass the"
            " config.json of this checkpoint, or move the checkpoint to a folder without one if"
            " this is not its own"
        )
    segments = name is not None and name.startswith(_SEGMENTER)
    variant = _VARIANTS.get((name or "").removeprefix(_SEGMENTER), {})
    of_head = _OF_SEGMENTER if segments else {}
    for key, allowed in {**_NETWORK[kind], **variant, **of_head}.items():
        value = fields.get(key)
        if value is not None and not any(same(value, one) for one in allowed):
            fields.faults.append(f"{key}: expected {_shown(allowed[0])}, got {value}")
    for key in _NEVER:
        if config.get(key):
            fields.refuse(key, "none", config[key])
    classes = fields.get("architectures", [])
    heads = [one for one in classes if isinstance(one, str)] if isinstance(classes, list) else []
    head = "ForSemanticSegmentation" if segments else "ForImageClassification"
    if classes and not any(one.endswith(head) for one in heads):
        wanted_head = "a segmentation model" if segments else "an image classifier"
        fields.refuse("architectures", wanted_head, classes)
    if fields.text("problem_type", "single_label_classification") != "single_label_classification":
        fields.refuse("problem_type", "'single_label_classification'", config["problem_type"])
    fields.finish()


def _shown(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def read_input_size(config: Mapping[str, Any]) -> tuple[int, int] | None:
    """Read the height and width in pixels of the training images from a transformers config.json.

    Returns:
        (height, width), or None if the file does not state them.

    Raises:
        InputError: `image_size` is not a size in pixels.
    """
    fields = Fields(config, "transformers config")
    size = fields.get("image_size")
    sides = tuple(size) if isinstance(size, (list, tuple)) else (size, size)
    if size is not None and (len(sides) != 2 or not all(is_whole(s) and s > 0 for s in sides)):
        fields.refuse("image_size", "pixels, or height and width", size)
    fields.finish()
    return None if size is None else sides


def read_labels(config: Mapping[str, Any]) -> tuple[str, ...]:
    """Read the class names of a transformers config.json, in the order of the logits.

    Placeholders such as LABEL_0 count as no names.

    Raises:
        InputError: the names are not valid labels.
    """
    where = "transformers config id2label"
    if config.get("id2label"):
        labels = labels_of(config["id2label"], where, by="index")
    else:
        inverse = config.get("label2id") or {}
        labels = labels_of(inverse, "transformers config label2id", by="name")
    if all(label == f"LABEL_{index}" for index, label in enumerate(labels)):
        return ()  # placeholders
    return labels


def read_num_classes(config: Mapping[str, Any]) -> int | None:
    """Read the number of classes of a transformers config.json; None if it does not state one.

    Raises:
        InputError: the number is not a positive integer, or differs from the number of labels.
    """
    fields = Fields(config, "transformers config")
    count = fields.whole("num_labels", None)
    tables = [config.get(key) for key in ("id2label", "label2id")]
    sizes = [len(table) for table in tables if isinstance(table, (Mapping, list)) and table]
    if count is not None and sizes and sizes[0] != count:
        fields.refuse("num_labels", f"{sizes[0]}, as many as id2label has", count)
    fields.finish()
    return count or (sizes[0] if sizes else None)

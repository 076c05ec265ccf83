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
        (r"\.attention\.(.*\.)?relative_position_bias_table$", ".attn.bias_table"),
        (r"\.attention\.self\.", ".attn.attn."),
        (r"\.attention\.output\.dense\.", ".attn.attn.proj."),
        # The names that transformers 5 gives them in memory; its files keep those above.
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
)

# What the definitions of this package assume of a checkpoint's config.json.
_ASSUMED = {
    "mobilevit": {
        "hidden_act": "silu",
        "layer_norm_eps": 1e-5,
        "num_attention_heads": 4,
        "output_stride": 32,
        "patch_size": 2,
        "conv_kernel_size": 3,
        "qkv_bias": True,
    },
    "swin": {
        "hidden_act": "gelu",
        "layer_norm_eps": 1e-5,
        "patch_size": 4,
        "window_size": 7,
        "mlp_ratio": 4.0,
        "qkv_bias": True,
        "use_absolute_embeddings": False,
    },
}
_RESAMPLE = {2: "bilinear", 3: "bicubic"}  # Pillow's numbers


def check_config(config: dict[str, Any]) -> None:
    """Raise InputError where a transformers config.json asks for another network than ours."""
    kind = config.get("model_type")
    if kind not in _ASSUMED:
        raise InputError(
            f"[transformers config] model_type: expected {' or '.join(_ASSUMED)}, got {kind!r}"
        )
    faults = [
        f"{field}: expected {value}, got {config[field]}"
        for field, value in _ASSUMED[kind].items()
        if config.get(field, value) != value
    ]
    if faults:
        raise InputError("[transformers config] " + "; ".join(faults))


def read_labels(config: dict[str, Any]) -> tuple[str, ...]:
    """Class names of a transformers config.json, in the order of the logits."""
    names = {int(index): name for index, name in config.get("id2label", {}).items()}
    if all(name == f"LABEL_{index}" for index, name in names.items()):
        return ()  # placeholders
    return tuple(names[index] for index in sorted(names))


def read_num_classes(config: dict[str, Any]) -> int | None:
    """Class count of a transformers config.json, where it says."""
    return config.get("num_labels") or len(config.get("id2label", {})) or None


def read_preprocess(config: dict[str, Any]) -> Preprocess:
    """A preprocessor_config.json of the MobileViT or ViT kind as a Preprocess.

    Raises:
        InputError: a field is missing, or has a value that Preprocess cannot express.
    """
    _check_processor(config)
    crop, size = config.get("crop_size"), config["size"]
    # Old files hold one number: the shorter side where a crop follows, else both sides.
    if config.get("do_center_crop", False):
        input_size = _sides(crop, "crop_size")
        shortest = size if isinstance(size, int) else size.get("shortest_edge")
        if shortest is None:
            raise InputError(f"[preprocessor_config] size: expected shortest_edge, got {size}")
        geometry = {"input_size": input_size, "resize_size": shortest}
    else:
        geometry = {"input_size": _sides(size, "size"), "resize": "stretch"}
    if config.get("do_normalize", False):
        geometry |= {"mean": tuple(config["image_mean"]), "std": tuple(config["image_std"])}
    flips = config.get("do_flip_channel_order", False)
    return Preprocess(
        interpolation=_RESAMPLE[config["resample"]],
        channel_order="BGR" if flips else "RGB",
        **geometry,
    )


def _check_processor(config: dict[str, Any]) -> None:
    kind = config.get("image_processor_type") or config.get("feature_extractor_type") or ""
    faults = []
    if not kind.startswith(("MobileViT", "ViT")):
        faults.append(f"image_processor_type: expected a MobileViT or ViT one, got {kind!r}")
    if not config.get("do_resize", True):
        faults.append("do_resize: expected true, got false")
    if not config.get("do_rescale", True):
        faults.append("do_rescale: expected true, got false")
    if abs(config.get("rescale_factor", 1 / 255) * 255 - 1) > 1e-6:
        faults.append(f"rescale_factor: expected 1/255, got {config['rescale_factor']}")
    if config.get("resample") not in _RESAMPLE:
        faults.append(f"resample: expected 2 or 3, got {config.get('resample')}")
    needed = ["size"]
    needed += ["crop_size"] if config.get("do_center_crop") else []
    needed += ["image_mean", "image_std"] if config.get("do_normalize") else []
    faults += [f"{field}: expected a value, got none" for field in needed if field not in config]
    if faults:
        raise InputError("[preprocessor_config] " + "; ".join(faults))


def _sides(size: int | dict[str, int], field: str) -> tuple[int, int]:
    if isinstance(size, int):
        return (size, size)
    if set(size) != {"height", "width"}:
        raise InputError(f"[preprocessor_config] {field}: expected height and width, got {size}")
    return (size["height"], size["width"])

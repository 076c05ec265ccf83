"""Read checkpoints of timm: its key formats, and the preprocessing in its config.json."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from hvit_edge.errors import InputError
from hvit_edge.labels import read_labels as labels_of
from hvit_edge.preprocess import IMAGENET_MEAN, IMAGENET_STD, Preprocess
from hvit_edge.weights.fields import Fields, is_whole, same
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

# Like the authors' format, but patch merging begins a stage; theirs ends the stage before.
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


# timm's defaults (timm.models.PretrainedCfg), used for keys that a config.json does not have.
_INPUT_SIZE, _CROP_PCT, _INTERPOLATION = (3, 224, 224), 0.875, "bicubic"
# timm's names of our models.
_ARCHITECTURES = {
    "mobilevit_xxs": ("mobilevit_xxs",),
    "mobilevit_xs": ("mobilevit_xs",),
    "mobilevit_s": ("mobilevit_s",),
    "swin_t": ("swin_tiny_patch4_window7_224",),
}
# Arguments of timm's constructors that change the network, and the values that ours has.
_NETWORK: dict[str, dict[str, tuple[Any, ...]]] = {
    "mobilevit": {
        "in_chans": (3,),
        "global_pool": ("avg",),
        "output_stride": (32,),
        "act_layer": ("silu", "swish"),
        "norm_layer": ("batchnorm", "batchnorm2d"),
        "aa_layer": ("",),
        "stem_type": ("3x3",),
        "stem_pool": ("",),
        "stem_chs": (16,),
        "width_factor": (1.0,),
        "head_type": ("classifier",),
        "downsample": ("",),
    },
    "swin": {
        "in_chans": (3,),
        "global_pool": ("avg",),
        "patch_size": (4,),
        "embed_dim": (96,),
        "depths": ((2, 2, 6, 2),),
        "num_heads": ((3, 6, 12, 24),),
        "window_size": (7, (7, 7)),
        "always_partition": (False,),
        "mlp_ratio": (4.0,),
        "qkv_bias": (True,),
        "norm_layer": ("layernorm",),
    },
}
# These matter only in training, or for the check of an input.
_HARMLESS = {
    *("drop_rate", "drop_path_rate", "drop_block_rate", "drop_block_size", "proj_drop_rate"),
    *("attn_drop_rate", "zero_init_last", "weight_init", "scriptable", "exportable", "no_jit"),
    *("strict_img_size", "dynamic_img_size", "fixed_input_size"),
}
_APART = {"num_classes", "img_size"}  # the readers below apply these


def is_config(config: Mapping[str, Any]) -> bool:
    """Return True for a config.json of timm, or of transformers for a network of timm's."""
    kind = config.get("model_type")
    named = "architecture" in config or "pretrained_cfg" in config
    return named if kind is None else kind == "timm_wrapper"


def check_config(config: Mapping[str, Any], name: str) -> None:
    """Raise InputError if a timm config.json is for another network than our model `name`."""
    fields = Fields(config, "timm config")
    known = tuple(dict.fromkeys((name, *_ARCHITECTURES.get(name, ()))))
    architecture = fields.text("architecture")
    if architecture and architecture.split(".")[0].rpartition("/")[2] not in known:
        fields.refuse("architecture", " or ".join(known), architecture)
    network = _NETWORK.get(name.split("_")[0], {})
    top = {key: config[key] for key in ("global_pool",) if config.get(key) is not None}
    _check_arguments(fields, top, network, "")
    _check_arguments(fields, fields.mapping("model_args"), network, "model_args.")
    if fields.faults:
        raise InputError(
            f"[timm config] {'; '.join(fields.faults)}; pass the config.json of this checkpoint, or"
            " move the checkpoint to a folder without one if this is not its own"
        )


def _check_arguments(
    fields: Fields, arguments: Mapping[str, Any], network: Mapping[str, Any], prefix: str
) -> None:
    for key, value in arguments.items():
        if key in _HARMLESS or key in _APART or value is None:
            continue
        allowed = network.get(key)
        if allowed is None:
            fields.refuse(f"{prefix}{key}", "none, as in the published network", value)
        elif not any(same(value, one) for one in allowed):
            fields.refuse(f"{prefix}{key}", repr(allowed[0]), value)


def read_preprocess(config: Mapping[str, Any]) -> Preprocess:
    """Read the `pretrained_cfg` of a timm config.json.

    timm resizes the shorter side, or with "squash" both sides, to floor(input / crop_pct) and crops
    the center. A missing key has timm's default.

    Raises:
        InputError: a field has a wrong type, or Preprocess cannot express a value.
    """
    fields = Fields(_pretrained(config), "timm config")
    size = fields.numbers("input_size", 3, _INPUT_SIZE)
    mode = fields.text("crop_mode", "center")
    square = size[1] == size[2] or mode == "squash"
    if not all(map(is_whole, size)) or size[0] != 3 or not square or min(size) < 1:
        fields.refuse("input_size", "[3, side, side]", list(size))
        size = _INPUT_SIZE
    sides = (int(size[1]), int(size[2]))
    if sides[0] == sides[1]:
        sides = (_fixed_side(config, fields, sides[0]),) * 2
    crop_pct = fields.number("crop_pct", _CROP_PCT)
    crop_pct = crop_pct or _CROP_PCT
    if crop_pct < 0:
        fields.refuse("crop_pct", "a number above 0", crop_pct)
    if mode not in ("center", "squash"):
        fields.refuse("crop_mode", "'center' or 'squash'", mode)
    elif crop_pct != 1 and sides[0] != sides[1]:
        fields.refuse("crop_pct", f"1 with the sides {sides}", crop_pct)
    said: dict[str, Any] = {
        "interpolation": fields.text("interpolation") or _INTERPOLATION,
        "mean": fields.numbers("mean", 3, IMAGENET_MEAN),
        "std": fields.numbers("std", 3, IMAGENET_STD),
        "resize": "stretch" if mode == "squash" else "shortest",
    }
    fields.finish()
    if mode == "center" or crop_pct != 1:
        said["resize_size"] = math.floor(sides[0] / crop_pct)
    return Preprocess(sides, **said)


def _fixed_side(config: Mapping[str, Any], fields: Fields, side: int) -> int:
    """Return the side of the input; `model_args.img_size` may replace the one of the config."""
    arguments = config.get("model_args")
    arguments = arguments if isinstance(arguments, Mapping) else {}
    given = arguments.get("img_size")
    if given is None:
        return side
    sides = list(given) if isinstance(given, (list, tuple)) else [given]
    if not sides or not all(is_whole(one) and one == sides[0] and one > 0 for one in sides):
        return fields.refuse("model_args.img_size", "one side in pixels", given, side)
    flexible = arguments.get("dynamic_img_size") or arguments.get("strict_img_size") is False
    if fields.flag("fixed_input_size", False) and not flexible:
        return sides[0]
    if sides[0] != side and not flexible:
        fields.refuse("model_args.img_size", f"{side} as in input_size", given)
    return side


def read_labels(config: Mapping[str, Any]) -> tuple[str, ...]:
    """Read the class names of a timm config.json, or their descriptions if it has them.

    Raises:
        InputError: the names or descriptions are not valid labels.
    """
    cfg = _pretrained(config)
    names = config.get("label_names") or cfg.get("label_names") or cfg.get("labels") or ()
    described = config.get("label_descriptions") or cfg.get("label_descriptions") or {}
    labels = labels_of(names, "timm config label_names", by="index")
    if isinstance(described, Mapping):
        texts = [described.get(label) for label in labels]
        found = [label if text is None else text for label, text in zip(labels, texts, strict=True)]
        return labels_of(found, "timm config label_descriptions")
    return labels_of(described, "timm config label_descriptions", len(labels) or None)


def read_num_classes(config: Mapping[str, Any]) -> int | None:
    """Read the number of classes of a timm config.json; the top-level one takes precedence.

    Raises:
        InputError: a count is not a positive integer (0 means no classifier), or model_args
            contradict the top level.
    """
    arguments = config.get("model_args")
    places = {
        "num_classes": config,
        "pretrained_cfg.num_classes": _pretrained(config),
        "model_args.num_classes": arguments if isinstance(arguments, Mapping) else {},
    }
    counts = {name: place.get("num_classes") for name, place in places.items()}
    fields = Fields(counts, "timm config")
    top, inner, built = (fields.whole(name, None) for name in places)
    if top is not None and built is not None and top != built:
        fields.refuse("model_args.num_classes", f"{top} as in num_classes", built)
    fields.finish()
    return top or built or inner


def _pretrained(config: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the part that describes the weights: `pretrained_cfg`, or all of an old file."""
    cfg = config.get("pretrained_cfg")
    if cfg is None:
        return config
    if not isinstance(cfg, Mapping):
        raise InputError(f"[timm config] pretrained_cfg: expected an object, got {cfg!r}")
    return cfg

"""Read the preprocessing from a preprocessor_config.json of Hugging Face transformers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hvit_edge.preprocess import Preprocess
from hvit_edge.weights.fields import Fields, is_number, is_whole

_RESAMPLE = {2: "bilinear", 3: "bicubic"}  # Pillow's numbers
_HALF = (0.5, 0.5, 0.5)  # transformers' IMAGENET_STANDARD_MEAN and _STD
# The defaults of each processor's class, for keys that are missing. MobileViT's never normalizes.
_DEFAULTS: dict[str, dict[str, Any]] = {
    "MobileViT": {
        "resample": 3,
        "size": {"shortest_edge": 224},
        "crop_size": {"height": 256, "width": 256},
        "do_center_crop": True,
        "do_normalize": False,
        "do_flip_channel_order": True,
    },
    "ViT": {
        "resample": 2,
        "size": {"height": 224, "width": 224},
        "crop_size": None,
        "do_center_crop": False,
        "do_normalize": True,
        "do_flip_channel_order": False,
    },
}
_SHARED = {"do_resize": True, "do_rescale": True, "image_mean": _HALF, "image_std": _HALF}
_OF_MODEL = {"mobilevit": "MobileViT", "swin": "ViT"}
_SUFFIXES = ("ImageProcessor", "ImageProcessorFast", "ImageProcessorPil", "FeatureExtractor")
_NAMES = {f"{kind}{suffix}": kind for kind in _DEFAULTS for suffix in _SUFFIXES}


def read_preprocess(config: Mapping[str, Any], model_type: str | None = None) -> Preprocess:
    """Read a preprocessor_config.json of the MobileViT or ViT kind.

    Missing keys have the defaults of their class in transformers.

    Args:
        config: content of the file.
        model_type: from the config.json next to it; used if the file names no class.

    Raises:
        InputError: a value has a wrong type, or Preprocess cannot express it.
    """
    fields = Fields(config, "preprocessor_config")
    kind = _kind(fields, model_type)
    _check_switches(fields, kind)
    geometry = _geometry(fields, kind)
    if _switch(fields, kind, "do_normalize"):
        geometry["mean"] = _per_channel(fields, kind, "image_mean")
        geometry["std"] = _per_channel(fields, kind, "image_std")
    resample = _given(fields, kind, "resample")
    if not is_whole(resample) or resample not in _RESAMPLE:
        resample = fields.refuse("resample", "2 or 3", resample, 2)
    flips = _switch(fields, kind, "do_flip_channel_order")
    fields.finish()
    geometry["interpolation"] = _RESAMPLE[resample]
    geometry["channel_order"] = "BGR" if flips else "RGB"
    return Preprocess(**geometry)


def _kind(fields: Fields, model_type: str | None) -> str:
    """Return the kind of a processor.

    Raises:
        InputError: there is no kind that is known.
    """
    name = fields.get("image_processor_type") or fields.get("feature_extractor_type")
    if name is None and model_type in _OF_MODEL:
        return _OF_MODEL[model_type]
    if isinstance(name, str) and name in _NAMES:
        return _NAMES[name]
    fields.refuse("image_processor_type", "a MobileViT or ViT one", name)
    raise fields.error()


def _check_switches(fields: Fields, kind: str) -> None:
    for name in ("do_resize", "do_rescale"):
        if not _switch(fields, kind, name):
            fields.refuse(name, "true", False)
    factor = fields.number("rescale_factor", 1 / 255)
    if abs(factor * 255 - 1) > 1e-6:
        fields.refuse("rescale_factor", "1/255", factor)
    ignored = "do_normalize" if kind == "MobileViT" else "do_flip_channel_order"
    if _switch(fields, kind, ignored):
        fields.faults.append(
            f"{ignored}: expected false, got true, which {kind}ImageProcessor ignores"
        )
    if _switch(fields, kind, "do_pad"):
        fields.refuse("do_pad", "false", True)


def _geometry(fields: Fields, kind: str) -> dict[str, Any]:
    """Return input size and resize as arguments of Preprocess."""
    size = _given(fields, kind, "size")
    crop = _given(fields, kind, "crop_size")
    if is_whole(size):  # old files: MobileViT's is the shorter side, ViT's both
        size = {"shortest_edge": size} if kind == "MobileViT" else {"height": size, "width": size}
    if not _switch(fields, kind, "do_center_crop"):
        return {"input_size": _sides(fields, "size", size), "resize": "stretch"}
    input_size = _sides(fields, "crop_size", crop)
    if size == {"height": input_size[0], "width": input_size[1]}:
        return {"input_size": input_size, "resize": "stretch"}
    shortest: Any = None
    if isinstance(size, Mapping) and len(size) == 1:
        shortest = size.get("shortest_edge")
    if not is_whole(shortest) or shortest < 1:
        shortest = fields.refuse("size", "shortest_edge", size, max(input_size))
    elif shortest < max(input_size):
        fields.faults.append(
            f"size, resize_size: expected at least {max(input_size)}, the side of the crop, got"
            f" {shortest}, which would need padding"
        )
    return {"input_size": input_size, "resize_size": max(shortest, *input_size)}


def _given(fields: Fields, kind: str, name: str) -> Any:
    """Return the value in the file, which may be null, or the default of the class."""
    return fields.content.get(name, _DEFAULTS[kind].get(name, _SHARED.get(name)))


def _switch(fields: Fields, kind: str, name: str) -> bool:
    """Return a switch; null is off, as in transformers."""
    value = _given(fields, kind, name)
    if value is None or isinstance(value, bool):
        return bool(value)
    return fields.refuse(name, "true or false", value, False)


def _sides(fields: Fields, name: str, size: Any) -> tuple[int, int]:
    given = size
    if is_whole(size):
        given = {"height": size, "width": size}
    if not isinstance(given, Mapping) or set(given) != {"height", "width"}:
        return fields.refuse(name, "height and width", size, (1, 1))
    if not all(is_whole(side) and side > 0 for side in given.values()):
        return fields.refuse(name, "height and width in pixels", size, (1, 1))
    return given["height"], given["width"]


def _per_channel(fields: Fields, kind: str, name: str) -> tuple[float, ...]:
    value = _given(fields, kind, name)
    if is_number(value):
        return (value,) * 3
    if isinstance(value, (list, tuple)) and len(value) == 3 and all(map(is_number, value)):
        return tuple(value)
    return fields.refuse(name, "3 numbers", value, _HALF)

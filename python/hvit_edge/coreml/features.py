"""Read the inputs and outputs of a Core ML model from its description.

Core ML's image inputs give the program values of 0 to 255 in the recorded order of channels. Scale
and bias are operators of the program.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from hvit_edge.errors import ArtifactError

Kind = Literal["tensor", "image", "label", "probabilities"]
LAYOUTS = ("RGB", "BGR")
# of the packages that hvit-edge writes
IMAGE, LOGITS, PROBABILITIES = "image", "logits", "probabilities"
CLASSES = "classes"
RAW_CONFIDENCE, RAW_COORDINATES = "raw_confidence", "raw_coordinates"


@dataclass(frozen=True)
class Feature:
    """Describes an input or output.

    Attributes:
        name: its name.
        shape: the tensor's shape, with None for a dimension that is flexible or not described. An
            image has the program's [1, 3, H, W]; a label and its probabilities have an empty one.
        dtype: numpy's name of the dtype; "str" or "int64" for a label, "dict" for probabilities;
            empty if it is not described.
        kind: "tensor", "image", "label" or "probabilities".
        layout: the program's order of channels, for images.
    """

    name: str
    shape: tuple[int | None, ...] = ()
    dtype: str = ""
    kind: Kind = "tensor"
    layout: Literal["RGB", "BGR"] | None = None


def read_features(described: Any) -> tuple[Feature, ...]:
    """Return the features of `description.input` or `description.output` of a Core ML model."""
    return tuple(_read_feature(feature) for feature in described)


def _read_feature(feature: Any) -> Feature:
    kind = feature.type.WhichOneof("Type")
    if kind == "multiArrayType":
        return _tensor(feature.name, feature.type.multiArrayType)
    if kind == "imageType":
        return _image(feature.name, feature.type.imageType)
    if kind == "stringType":
        return Feature(feature.name, dtype="str", kind="label")
    if kind == "int64Type":
        return Feature(feature.name, dtype="int64", kind="label")
    if kind == "dictionaryType":
        return Feature(feature.name, dtype="dict", kind="probabilities")
    raise ArtifactError(
        f"[read_package] {feature.name}: expected a multi-array, an image, a label or a dictionary,"
        f" got {kind}; convert the model with TensorType or ImageType"
    )


def _tensor(name: str, array: Any) -> Feature:
    names = {65552: "float16", 65568: "float32", 65600: "float64", 131104: "int32", 131080: "int8"}
    return Feature(name, tuple(array.shape), names.get(array.dataType, ""))


def _image(name: str, image: Any) -> Feature:
    layout = image.ColorSpace.Name(image.colorSpace)
    if layout not in LAYOUTS:
        raise ArtifactError(
            f"[read_package] image {name}: expected RGB or BGR, got {layout}; convert the model"
            " with color_layout RGB or BGR"
        )
    is_flexible = image.WhichOneof("SizeFlexibility") is not None
    size = (None, None) if is_flexible else (image.height, image.width)
    return Feature(name, (1, 3, *size), "float32", "image", layout)

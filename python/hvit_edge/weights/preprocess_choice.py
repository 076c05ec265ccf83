"""Read a caller's choice of preprocessing: a complete one, a name, or single fields."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from hvit_edge.errors import InputError
from hvit_edge.preprocess import IMAGENET_MEAN, IMAGENET_STD, Preprocess

ARGUMENT = "argument"
FIELDS = tuple(Preprocess.__dataclass_fields__)
CROP_PCT = 0.875
INTERPOLATIONS: dict[str, Literal["bilinear", "bicubic"]] = {
    "timm": "bicubic",
    "imagenet": "bilinear",
}
"""Named preprocessings and their filters: the defaults of timm, and those of torchvision."""


@dataclass(frozen=True)
class PreprocessChoice:
    """Holds the caller's choice of preprocessing; the model decides everything else.

    Attributes:
        whole: a complete preprocessing, or None.
        named: "timm" or "imagenet", which define every field except the input size; or empty.
        fields: single fields of Preprocess by name, which replace those of the preprocessing.
        source: the source of `whole` as an artifact records it.
    """

    whole: Preprocess | None = None
    named: str = ""
    fields: Mapping[str, Any] = field(default_factory=dict)
    source: str = ARGUMENT

    @property
    def input_size(self) -> tuple[int, int] | None:
        """Return (height, width) if the caller gives it, otherwise None."""
        if self.whole is not None:
            return self.whole.input_size
        return self.fields.get("input_size")

    def at(self, size: tuple[int, int]) -> PreprocessChoice:
        """Return the same choice, with a named preprocessing made complete for a size."""
        if not self.named:
            return self
        return replace(self, whole=named_preprocess(self.named, size), named="", source=self.named)

    def over(self, found: Preprocess, source: str) -> tuple[Preprocess, str]:
        """Return the preprocessing with the caller's choice applied, and its source.

        Args:
            found: the preprocessing to use where the caller gives nothing.
            source: where `found` is from.

        Raises:
            InputError: the fields contradict each other.
        """
        if self.named:
            return self.at(found.input_size).over(found, source)
        if self.whole is not None:
            found, source = self.whole, self.source
        if not self.fields:
            return found, source
        changed = dict(self.fields)
        if changed.get("resize", found.resize) != found.resize:
            changed.setdefault("resize_size", 0)
        changed.setdefault("input_size", found.input_size)
        names = [name for name in FIELDS if name in self.fields]
        if set(names) >= set(FIELDS) - {"input_size", "resize_size"}:
            return replace(found, **changed), ARGUMENT
        return replace(found, **changed), f"{source}; {', '.join(names)}: {ARGUMENT}"


def named_preprocess(name: str, size: tuple[int, int]) -> Preprocess:
    """Return a named preprocessing for an input size.

    "timm" is timm's default for a model without a config. "imagenet" is the preprocessing of
    torchvision's classifiers. Both crop the center 7/8 of the shorter side, with the mean and
    standard deviation of ImageNet in RGB order. The filter of "timm" is bicubic, the filter of
    "imagenet" is bilinear.

    Args:
        name: "timm" or "imagenet".
        size: (height, width) of the input in pixels.
    """
    return Preprocess(
        size,
        resize_size=math.floor(max(size) / CROP_PCT),
        interpolation=INTERPOLATIONS[name],
        mean=IMAGENET_MEAN,
        std=IMAGENET_STD,
    )


def read_choice(value: object, where: str) -> PreprocessChoice:
    """Read the preprocessing that a caller gives.

    Args:
        value: None; a Preprocess; "timm" or "imagenet"; the path of a JSON file; a mapping of
            single fields; or a PreprocessChoice.
        where: name of the public function that was called, for messages.

    Raises:
        InputError: the value is none of these, or a field is unknown or has an impossible value.
    """
    if value is None:
        return PreprocessChoice()
    if isinstance(value, PreprocessChoice):
        return value
    if isinstance(value, Preprocess):
        return PreprocessChoice(value)
    if isinstance(value, str) and value in INTERPOLATIONS:
        return PreprocessChoice(named=value)
    if isinstance(value, (str, Path)):
        return _from_file(Path(value), where)
    if isinstance(value, Mapping):
        return PreprocessChoice(fields=_fields(value, where))
    raise InputError(
        f"[{where}] preprocess: expected a Preprocess, a mapping of its fields, a JSON file, or"
        f" {' or '.join(map(repr, INTERPOLATIONS))}, got {type(value).__name__};"
        " hvit_edge.Preprocess(...) makes one"
    )


def _from_file(path: Path, where: str) -> PreprocessChoice:
    from hvit_edge.weights.evidence import read_preprocess_file

    if not path.exists() and path.suffix != ".json":
        raise InputError(
            f"[{where}] --preprocess (preprocess=): expected a JSON file or one of"
            f" {', '.join(INTERPOLATIONS)}, got {str(path)!r}, which is neither"
        )
    return PreprocessChoice(read_preprocess_file(path), source=path.name)


def _fields(value: Mapping[str, Any], where: str) -> dict[str, Any]:
    unknown = [str(key) for key in value if key not in FIELDS]
    if unknown:
        raise InputError(
            f"[{where}] preprocess: expected fields of Preprocess, got {', '.join(unknown)}; its"
            f" fields are {', '.join(FIELDS)}"
        )
    found = dict(value)
    for key in ("mean", "std", "input_size"):
        if isinstance(found.get(key), list):
            found[key] = tuple(found[key])
    return found

"""How the caller says how a photo is prepared: wholly, by a name, or field by field."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from hvit_edge.errors import InputError
from hvit_edge.preprocess import IMAGENET_MEAN, IMAGENET_STD, Preprocess

ARGUMENT = "argument"
FIELDS = tuple(Preprocess.__dataclass_fields__)
CROP_PCT = 0.875
INTERPOLATIONS = {"timm": "bicubic", "imagenet": "bilinear"}
"""The named preprocessings, and their filter: timm's defaults, and torchvision's."""


@dataclass(frozen=True)
class PreprocessChoice:
    """What the caller says of photos; whatever it leaves open is the model's.

    Attributes:
        whole: every field; None if the caller leaves some open.
        named: "timm" or "imagenet": every field but the size of the input; or empty.
        fields: single fields of Preprocess by name, in place of what else holds.
        source: what an artifact records as the source of `whole`.
    """

    whole: Preprocess | None = None
    named: str = ""
    fields: Mapping[str, Any] = field(default_factory=dict)
    source: str = ARGUMENT

    @property
    def input_size(self) -> tuple[int, int] | None:
        """Return (height, width) if the caller says so."""
        if self.whole is not None:
            return self.whole.input_size
        return self.fields.get("input_size")

    def at(self, size: tuple[int, int]) -> PreprocessChoice:
        """Return the same choice with a named preprocessing written out for a size."""
        if not self.named:
            return self
        return replace(self, whole=named_preprocess(self.named, size), named="", source=self.named)

    def over(self, found: Preprocess, source: str) -> tuple[Preprocess, str]:
        """Return the preprocessing that the caller wants, and what says so.

        Args:
            found: what holds where the caller says nothing.
            source: what says so.

        Raises:
            InputError: the fields contradict one another.
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

    "timm" is what timm takes for a model that says nothing, "imagenet" what torchvision's
    classifiers were trained for. Both crop the center 7/8 of the shorter side, with ImageNet's mean
    and standard deviation in the order RGB; timm's filter is bicubic, torchvision's bilinear.
    """
    return Preprocess(
        size,
        resize_size=math.floor(max(size) / CROP_PCT),
        interpolation=INTERPOLATIONS[name],
        mean=IMAGENET_MEAN,
        std=IMAGENET_STD,
    )


def read_choice(value: object, where: str) -> PreprocessChoice:
    """Read what a caller gives as preprocessing.

    Args:
        value: None; a Preprocess; "timm" or "imagenet"; the path of a JSON file; a mapping of
            single fields; or a PreprocessChoice.
        where: the public function that asks, for messages.

    Raises:
        InputError: it is none of these, or a field is unknown or has an impossible value.
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

"""The weights and photos that ship with the package."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from hvit_edge.errors import InputError
from hvit_edge.preprocess import Preprocess
from hvit_edge.weights.evidence import read_sidecar

ASSETS = Path(__file__).resolve().parent.parent / "assets"


@dataclass(frozen=True)
class Bundled:
    """Weights that need no download.

    Attributes:
        architecture: registered model name.
        file: safetensors file.
        labels: class names in the order of the logits.
        preprocess: what the weights expect of a photo.
        accuracy: top-1 in percent, by data set.
    """

    architecture: str
    file: Path
    labels: tuple[str, ...]
    preprocess: Preprocess
    accuracy: dict[str, float]


# What can be asked for: weights name -> architecture -> file in assets, with a .json beside it.
_FILES = {
    "cifar10": {"mobilevit_xxs": "mobilevit_xxs_cifar10.safetensors"},
}


def bundled_names(architecture: str) -> tuple[str, ...]:
    """Names of the bundled weights of a model."""
    return tuple(name for name, files in _FILES.items() if architecture in files)


def find_bundled(architecture: str, name: str) -> Bundled:
    """The bundled weights `name` of a model.

    Raises:
        InputError: that model has none of that name.
    """
    if name not in bundled_names(architecture):
        having = ", ".join(_FILES.get(name, {}))
        raise InputError(
            f"[weights] expected bundled weights {name!r} for {architecture}, got none;"
            f" they exist for: {having or 'no model'}"
        )
    file = ASSETS / _FILES[name][architecture]
    described = read_sidecar(file.with_suffix(".json"))
    return Bundled(
        architecture=described["architecture"],
        file=file,
        labels=tuple(described["labels"]),
        preprocess=described["preprocess"],
        accuracy=described["accuracy"],
    )


def is_bundled(name: str) -> bool:
    """Whether `name` names bundled weights of any model."""
    return name in _FILES


def bundled_photos() -> tuple[Path, ...]:
    """The photos that ship with the package, JPEG, by name."""
    return tuple(sorted((ASSETS / "photos").glob("*.jpg")))


@cache
def imagenet_labels() -> tuple[str, ...]:
    """Names of the 1000 classes of ImageNet-1k, in the order of the logits."""
    return tuple((ASSETS / "imagenet1k_labels.txt").read_text(encoding="utf-8").splitlines())

"""Find the weights and photos that ship with the package."""

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
    """Describes weights that need no download.

    Attributes:
        architecture: registered model name.
        file: safetensors file.
        labels: class names in the order of the logits.
        preprocess: the preprocessing that the weights expect.
        accuracy: top-1 in percent, by data set; of other tasks their measures in percent.
    """

    architecture: str
    file: Path
    labels: tuple[str, ...]
    preprocess: Preprocess
    accuracy: dict[str, float]


# Weights name -> architecture -> file in assets, which has a .json file next to it.
_FILES = {
    "cifar10": {"mobilevit_xxs": "mobilevit_xxs_cifar10.safetensors"},
    "shapes": {
        "deeplabv3_mobilevit_xxs_slim": "deeplabv3_mobilevit_xxs_slim_shapes.safetensors",
        "ssdlite_mobilevit_xxs": "ssdlite_mobilevit_xxs_shapes.safetensors",
    },
}


def bundled_names(architecture: str) -> tuple[str, ...]:
    """Return the names of the bundled weights of a model."""
    return tuple(name for name, files in _FILES.items() if architecture in files)


def find_bundled(architecture: str, name: str) -> Bundled:
    """Return the bundled weights `name` of a model.

    Raises:
        InputError: the model has no bundled weights of that name.
    """
    if name not in bundled_names(architecture):
        having = ", ".join(_FILES.get(name, {}))
        raise InputError(
            f"[weights] expected bundled weights {name!r} for {architecture}, got none;"
            f" they exist for: {having or 'no model'}"
        )
    file = ASSETS / _FILES[name][architecture]
    described = read_sidecar(file.with_suffix(".json"))
    if described is None:
        raise InputError(
            f"[weights] expected the description of {file.name}, got none; install hvit-edge again"
        )
    return Bundled(
        architecture=described["architecture"],
        file=file,
        labels=tuple(described["labels"]),
        preprocess=described["preprocess"],
        accuracy=described["accuracy"],
    )


def is_bundled(name: str) -> bool:
    """Return True if any model has bundled weights called `name`."""
    return name in _FILES


def bundled_photos() -> tuple[Path, ...]:
    """Return the paths of the JPEG photos that ship with the package, sorted by name."""
    return tuple(sorted((ASSETS / "photos").glob("*.jpg")))


_LABELS = {
    "ImageNet-1k": "imagenet1k_labels.txt",
    "Pascal VOC": "voc_labels.txt",
    "COCO": "coco_labels.txt",
}


@cache
def data_labels(data: str) -> tuple[str, ...]:
    """Return the names of the classes of a data set, in the order of the logits.

    Those of Pascal VOC begin with the background; those of COCO begin after it.

    Args:
        data: "ImageNet-1k", "Pascal VOC" or "COCO".
    """
    return tuple((ASSETS / _LABELS[data]).read_text(encoding="utf-8").splitlines())


def imagenet_labels() -> tuple[str, ...]:
    """Return the names of the 1000 classes of ImageNet-1k, in the order of the logits."""
    return data_labels("ImageNet-1k")

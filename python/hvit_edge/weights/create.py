"""A model with weights, by name: the front door."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor, nn

from hvit_edge.errors import InputError
from hvit_edge.models.registry import (
    InputSize,
    Published,
    build_model,
    check_input_size,
    model_info,
)
from hvit_edge.preprocess import Preprocess
from hvit_edge.public import public
from hvit_edge.weights import hub
from hvit_edge.weights.bundled import (
    bundled_names,
    find_bundled,
    imagenet_labels,
    is_bundled,
    read_sidecar,
)
from hvit_edge.weights.files import PICKLES, flatten, read_state_dict
from hvit_edge.weights.keymap import StateDict
from hvit_edge.weights.load import load_weights
from hvit_edge.weights.random_weights import random_state_dict

Weights = str | Path | Mapping[str, Tensor] | None


@dataclass(frozen=True)
class WeightsSource:
    """Weights, and what came with them.

    Attributes:
        state_dict: tensors by the checkpoint's own keys, float32; None for random weights, which
            follow from the model.
        source: where they are from: "random", "bundled NAME", "hf:OWNER/REPO", a file's name,
            "folder NAME" or "state dict". It goes into artifacts, so it holds no path.
        preprocess: what they expect of a photo.
        labels: class names, or none.
        num_classes: class count that the source states; None where it does not.
    """

    state_dict: StateDict | None
    source: str
    preprocess: Preprocess
    labels: tuple[str, ...]
    num_classes: int | None


@dataclass(frozen=True)
class ModelOrigin:
    """Where a model came from; what `create_model` attaches as `.hvit_edge`."""

    name: str
    weights_source: str
    preprocess: Preprocess
    labels: tuple[str, ...]


@public("create_model")
def create_model(
    name: str,
    *,
    weights: Weights = None,
    num_classes: int | None = None,
    input_size: InputSize = None,
) -> nn.Module:
    """Build a model and load its weights.

    Args:
        name: a registered model, see `list_models`.
        weights: None for the published checkpoint, downloaded from the Hugging Face hub;
            "random" for weights that every machine rebuilds alike; a bundled name ("cifar10" for
            mobilevit_xxs); a .safetensors, .pt, .pth or .bin file, with our .json beside it or
            without; a folder laid out like a hub repository; "hf:owner/repo"; or a state dict.
        num_classes: number of logits; None is what the source states, or else 1000.
        input_size: side in pixels, or (height, width); None is what the weights expect.

    Returns:
        The model in eval mode: float32 [N, 3, height, width] -> logits [N, num_classes]. Its
        attribute `hvit_edge` is a ModelOrigin.

    Raises:
        InputError: unknown name, unusable or unreachable weights, or weights for another class
            count than `num_classes`.
    """
    source = resolve_weights(name, weights)
    if input_size is None:
        input_size = source.preprocess.input_size
    size = check_input_size(name, input_size)
    classes = (source.num_classes or 1000) if num_classes is None else num_classes
    model = build_model(name, num_classes=classes, input_size=size)
    state = random_state_dict(model) if source.state_dict is None else source.state_dict
    load_weights(model, state)
    labels = _labels(source, classes)
    model.hvit_edge = ModelOrigin(name, source.source, resized(source.preprocess, size), labels)
    return model.eval()


def _labels(source: WeightsSource, classes: int) -> tuple[str, ...]:
    """The class names of the source; those of ImageNet-1k for other trained weights of 1000."""
    if source.labels and len(source.labels) != classes:
        raise InputError(
            f"[create_model] expected {classes} labels for {classes} classes, got"
            f" {len(source.labels)} from {source.source}; correct the labels there"
        )
    is_imagenet = classes == 1000 and source.state_dict is not None
    return source.labels or (imagenet_labels() if is_imagenet else ())


def resolve_weights(name: str, weights: Weights) -> WeightsSource:
    """Find and read the weights that `create_model` would load; its arguments, its errors."""
    default = model_info(name).default
    if weights is None:
        if default.hub is None:
            raise InputError(
                f"[weights] expected a checkpoint of {name} on the hub, got none: the authors"
                f" publish it on {default.files}; download the file and pass"
                " weights='path/to/file.pth', or ask for weights='random'"
            )
        weights = f"hf:{default.hub}"
    if isinstance(weights, Mapping):
        return WeightsSource(flatten(weights), "state dict", default.preprocess, (), None)
    if isinstance(weights, Path):
        return _from_path(name, weights)
    if not isinstance(weights, str):
        raise InputError(
            "[weights] expected a name, a path or a state dict, got"
            f" {type(weights).__name__}; for a module pass its state_dict()"
        )
    if weights == "random":
        return WeightsSource(None, "random", default.preprocess, (), None)
    if weights.startswith("hf:"):
        return _from_checkpoint(hub.read_hub(weights.removeprefix("hf:")), weights, default)
    if is_bundled(weights):
        found = find_bundled(name, weights)
        state = read_state_dict(found.file)
        source = f"bundled {weights}"
        return WeightsSource(state, source, found.preprocess, found.labels, len(found.labels))
    return _from_path(name, Path(weights))


def resized(preprocess: Preprocess, size: tuple[int, int]) -> Preprocess:
    """The same preprocessing for another input size; the cropped share of the photo stays."""
    if size == preprocess.input_size:
        return preprocess
    resize_size = preprocess.resize_size
    if preprocess.resize == "shortest":
        resize_size = resize_size * max(size) // max(preprocess.input_size)
    return dataclasses.replace(preprocess, input_size=size, resize_size=resize_size)


def _from_path(name: str, path: Path) -> WeightsSource:
    default = model_info(name).default
    if path.is_dir():
        return _from_checkpoint(hub.read_folder(path), f"folder {path.name}", default)
    if not path.exists() and path.suffix not in (".safetensors", *PICKLES):
        known = ["random", *bundled_names(name)]
        raise InputError(
            f"[weights] expected a file, a folder, 'hf:owner/repo' or one of {', '.join(known)};"
            f" got {str(path)!r}, which is none of them"
        )
    state = read_state_dict(path)
    described = read_sidecar(path)
    if described is None:
        return WeightsSource(state, path.name, default.preprocess, (), None)
    if described["architecture"] != name:
        raise InputError(
            f"[weights] expected weights of {name}, got {path}, which is for"
            f" {described['architecture']} by the json beside it"
        )
    labels = tuple(described["labels"])
    return WeightsSource(state, path.name, described["preprocess"], labels, len(labels) or None)


def _from_checkpoint(checkpoint: hub.Checkpoint, source: str, default: Published) -> WeightsSource:
    return WeightsSource(
        read_state_dict(checkpoint.file),
        source,
        checkpoint.preprocess or default.preprocess,
        checkpoint.labels,
        checkpoint.num_classes,
    )

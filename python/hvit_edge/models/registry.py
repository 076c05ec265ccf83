"""Register image models by name, and build them."""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from torch import nn

from hvit_edge.boundary.public import public
from hvit_edge.errors import InputError
from hvit_edge.hints import unknown_name
from hvit_edge.models.initialization import WithoutMemory
from hvit_edge.models.sequences import sequence_models
from hvit_edge.preprocess import Preprocess
from hvit_edge.tasks import Classify, Task
from hvit_edge.tasks.names import CLASSIFY

Builder = Callable[[int, tuple[int, int]], nn.Module]
TaskOf = Callable[[tuple[int, int]], Task]
"""Returns the task of a model for an input of (height, width) pixels."""
InputSize = int | tuple[int, int] | None


@dataclass(frozen=True)
class Published:
    """Describes the published weights of a model, which are its default.

    Attributes:
        paper: link to the paper.
        preprocess: preprocessing that the weights expect. The config of the checkpoint, if it has
            one, takes precedence.
        hub: repository on the Hugging Face hub, or None if the authors publish elsewhere.
        files: where the authors publish, as text; empty if `hub` is set, or if they publish none.
        top1: published ImageNet-1k accuracy in percent; 0 for other tasks.
        classes: number of classes of the weights.
        data: the data set whose classes they are.
        score: other published accuracy, such as "72.8 % mIoU"; empty for classifiers.
    """

    paper: str
    preprocess: Preprocess
    hub: str | None = None
    files: str = ""
    top1: float = 0.0
    classes: int = 1000
    data: str = "ImageNet-1k"
    score: str = ""


@dataclass(frozen=True)
class ModelInfo:
    """Describes a registered model without loading weights.

    Attributes:
        name: registered name.
        params: number of parameters at the published number of classes.
        input_size: default (height, width) in pixels.
        sources: where weights come from: a hub id or a description, bundled names, "random".
        default: the published weights.
        min_side: smallest side of the input in pixels.
        multiple: each side of the input is divisible by this number.
        task: name of its task.
    """

    name: str
    params: int
    input_size: tuple[int, int]
    sources: tuple[str, ...]
    default: Published
    min_side: int
    multiple: int
    task: str = CLASSIFY


@dataclass(frozen=True)
class _Entry:
    builder: Builder
    default: Published
    bundled: tuple[str, ...]
    min_side: int
    multiple: int
    task: TaskOf


_REGISTRY: dict[str, _Entry] = {}


def register_model(
    name: str,
    *,
    default: Published,
    bundled: tuple[str, ...] = (),
    min_side: int = 32,
    multiple: int = 1,
    task: TaskOf = lambda size: Classify(),
) -> Callable[[Builder], Builder]:
    """Register a builder `(num_classes, input_size) -> nn.Module` under `name`.

    Args:
        name: name of the model.
        default: its published weights.
        bundled: names of weights that ship with the package.
        min_side: smallest side of the input, in pixels.
        multiple: each side of the input must be divisible by this number.
        task: returns what the model computes from a photo.

    Raises:
        ValueError: `name` is registered already.
    """

    def register(builder: Builder) -> Builder:
        if name in _REGISTRY:
            raise ValueError(f"[register_model] expected a new name, got {name!r} twice")
        _REGISTRY[name] = _Entry(builder, default, bundled, min_side, multiple, task)
        return builder

    return register


def build_model(
    name: str, *, num_classes: int | None = None, input_size: InputSize = None
) -> nn.Module:
    """Build a model in training mode, with the initialization of its constructor.

    Args:
        name: a registered name.
        num_classes: number of logits, at least 1; None is the published number. Of segmentation
            models and detectors, class 0 is the background.
        input_size: side in pixels, or (height, width); None is the published size.

    Raises:
        InputError: the name is unknown, or the model cannot have this size or number of classes.
    """
    entry = _find(name)
    classes = entry.default.classes if num_classes is None else num_classes
    if classes < 1:
        raise InputError(f"[build_model] num_classes: expected at least 1, got {classes}")
    return entry.builder(classes, check_input_size(name, input_size))


def is_registered(name: str) -> bool:
    """Return True if an image model has this name."""
    return name in _REGISTRY


def model_task(name: str, input_size: InputSize = None) -> Task:
    """Return what a model computes from a photo, with the options for an input size.

    Raises:
        InputError: the name is unknown, or the model cannot have this size.
    """
    return _find(name).task(check_input_size(name, input_size))


def check_input_size(name: str, input_size: InputSize) -> tuple[int, int]:
    """Return the (height, width) that `input_size` requests for the model `name`.

    Raises:
        InputError: the name is unknown, or the model cannot have this size.
    """
    entry = _find(name)
    if input_size is None:
        return entry.default.preprocess.input_size
    size = _sides(input_size)
    if len(size) != 2 or any(s < entry.min_side or s % entry.multiple for s in size):
        rule = f"sides of at least {entry.min_side} pixels"
        if entry.multiple > 1:
            rule += f" that are multiples of {entry.multiple}"
        raise InputError(f"[{name}] input_size: expected {rule}, got {input_size!r}")
    return size


def _sides(input_size: object) -> tuple[int, ...]:
    """Return the sides of a request; empty if one of them is not an integer."""
    sides = input_size if isinstance(input_size, tuple | list) else (input_size, input_size)
    try:
        return tuple(map(operator.index, sides))
    except TypeError:
        return ()


@public("list_models")
def list_models() -> list[ModelInfo]:
    """Return every registered image model, sorted by name."""
    return [model_info(name) for name in sorted(_REGISTRY)]


def model_info(name: str) -> ModelInfo:
    """Return the description of the model `name`.

    Raises:
        InputError: the name is unknown. The message has the closest name and all known names.
    """
    entry = _find(name)
    published = entry.default.hub or entry.default.files
    first = (published,) if published else ()
    return ModelInfo(
        name=name,
        params=_count_parameters(name),
        input_size=entry.default.preprocess.input_size,
        sources=(*first, *entry.bundled, "random"),
        default=entry.default,
        min_side=entry.min_side,
        multiple=entry.multiple,
        task=entry.task(entry.default.preprocess.input_size).name,
    )


@cache
def _count_parameters(name: str) -> int:
    entry = _REGISTRY[name]
    with WithoutMemory():
        model = entry.builder(entry.default.classes, entry.default.preprocess.input_size)
    return sum(parameter.numel() for parameter in model.parameters())


def registered_names() -> list[str]:
    """Return the registered names of image and sequence models, sorted."""
    return sorted([*_REGISTRY, *(model.name for model in sequence_models())])


def _find(name: str) -> _Entry:
    if name in _REGISTRY:
        return _REGISTRY[name]
    raise InputError(unknown_name(name, registered_names()))

"""What is compiled: a module in eval mode, what is known of it, and its answer to one photo."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from PIL import Image
from torch import nn

from hvit_edge.errors import InputError
from hvit_edge.preprocess import Preprocess, load_image
from hvit_edge.weights import ModelOrigin, bundled_photos, create_model

GOLDEN_PHOTO = "astronaut.jpg"
GOLDEN_MARGIN = 1.05  # the golden photo is this much larger than the resized one


@dataclass(frozen=True)
class Subject:
    """What is compiled.

    Attributes:
        module: in eval mode.
        origin: name, source of the weights, preprocessing and labels.
        registered: it was asked for by a registered name.
        golden_image: uint8 [height, width, 3].
        example: the golden image preprocessed, float32 [1, 3, H, W].
        expected: what the module answers to it, float32 [1, classes].
    """

    module: nn.Module
    origin: ModelOrigin
    registered: bool
    golden_image: np.ndarray
    example: np.ndarray
    expected: np.ndarray


def origin_of(module: nn.Module, preprocess: Preprocess | None) -> ModelOrigin:
    """Where a module came from: `create_model` says so; for any other it is its class."""
    origin = getattr(module, "hvit_edge", None)
    if isinstance(origin, ModelOrigin):
        return origin
    return ModelOrigin(type(module).__name__.lower(), "state dict", preprocess, ())


def prepare_subject(
    model: str | nn.Module,
    weights: object,
    num_classes: int | None,
    input_size: int | tuple[int, int] | None,
    preprocess: Preprocess | None,
    labels: Sequence[str] | None,
) -> Subject:
    """Build or take the module, and ask it for its answer to the golden photo.

    The arguments and errors are those of `compile`.
    """
    registered = isinstance(model, str)
    if registered:
        model = create_model(model, weights=weights, num_classes=num_classes, input_size=input_size)
    elif (weights, num_classes, input_size) != (None, None, None):
        raise InputError(
            "[compile] expected weights, num_classes and input_size with a registered name only,"
            " got them with a module; load them into the module instead"
        )
    origin = origin_of(model, preprocess)
    origin = replace(
        origin,
        preprocess=preprocess or origin.preprocess,
        labels=tuple(labels) if labels is not None else origin.labels,
    )
    if origin.preprocess is None:
        raise InputError(
            "[compile] expected preprocess=Preprocess(...) with a module of your own, got none"
        )
    image = _golden_image(origin.preprocess)
    example = origin.preprocess(image)
    expected = _eager_output(model, example)
    _check_labels(origin.labels, expected.shape[1])
    return Subject(model, origin, registered, image, example, expected)


def _golden_image(preprocess: Preprocess) -> np.ndarray:
    """The golden photo, uint8 [h, w, 3], somewhat larger than the preprocessing needs."""
    photo = next(path for path in bundled_photos() if path.name == GOLDEN_PHOTO)
    image = load_image(photo)
    wanted = GOLDEN_MARGIN * max(preprocess.resize_size, *preprocess.input_size)
    scale = wanted / min(image.shape[:2])
    if scale >= 1:
        return image
    size = (round(image.shape[1] * scale), round(image.shape[0] * scale))
    return np.asarray(Image.fromarray(image).resize(size, Image.Resampling.LANCZOS))


def _eager_output(module: nn.Module, example: np.ndarray) -> np.ndarray:
    """What the module answers to the golden photo: float32 [1, classes]."""
    if module.training:
        raise InputError("[compile] expected a module in eval mode; call .eval() first")
    with torch.inference_mode():
        output = module(torch.from_numpy(example))
    if not isinstance(output, torch.Tensor) or output.dim() != 2 or output.shape[0] != 1:
        got = list(output.shape) if isinstance(output, torch.Tensor) else type(output).__name__
        raise InputError(
            f"[compile] expected a module that returns logits [1, classes], got {got};"
            " wrap it in a module that does"
        )
    if not torch.isfinite(output).all():
        raise InputError(
            "[compile] expected finite logits on the golden photo, got NaN or infinity;"
            " check the weights"
        )
    return output.numpy()


def _check_labels(labels: tuple[str, ...], classes: int) -> None:
    if labels and len(labels) != classes:
        raise InputError(
            f"[compile] labels: expected {classes}, one a class, got {len(labels)};"
            " give a label for every class, or none"
        )
    if any("\n" in label for label in labels):
        raise InputError("[compile] labels: expected no line breaks inside a label, got one")

"""Prepare the subject of a compilation: a module, its origin, and its answer to one photo."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from PIL import Image
from torch import nn

from hvit_edge.errors import InputError
from hvit_edge.labels import given_labels
from hvit_edge.parity.steps import pytorch_step
from hvit_edge.preprocess import Preprocess, load_image
from hvit_edge.sources.address import Address, check_address
from hvit_edge.sources.named_model import named_model
from hvit_edge.sources.timm_model import config_of
from hvit_edge.targets.target import Sample, photo_sample
from hvit_edge.tasks import Classify
from hvit_edge.user_modules.eager_answer import run_eager, run_own
from hvit_edge.user_modules.own_module import check_module, unwrapped
from hvit_edge.weights import ARGUMENT, ModelOrigin, bundled_photos, timm
from hvit_edge.weights.preprocess_choice import PreprocessChoice, read_choice

GOLDEN_PHOTO = "astronaut.jpg"
GOLDEN_COLORS = 64
GOLDEN_MARGIN = 1.05  # the golden photo is this much larger than the resized one


@dataclass(frozen=True)
class Subject:
    """Holds the module to compile, and its answer to the golden photo.

    Attributes:
        module: the module in eval mode; for a user's module a copy, see `own_module`.
        origin: name, source of the weights, preprocessing and labels.
        registered: True if it was requested by a registered name.
        golden_image: uint8 [height, width, 3].
        sample: the preprocessed golden image, and its pixels.
        expected: answer of the module to it, float32 [batch, classes].
        batch: number of photos of an input.
    """

    module: nn.Module
    origin: ModelOrigin
    registered: bool
    golden_image: np.ndarray
    sample: Sample
    expected: np.ndarray
    batch: int = 1

    @property
    def example(self) -> np.ndarray:
        """Return the preprocessed golden image, float32 [batch, 3, H, W]."""
        return self.sample.arrays[0]

    def asked(self, image: np.ndarray, batch: int) -> Subject:
        """Return the same with another golden photo, of which batches are made.

        Raises:
            InputError: the module does not take the batch.
        """
        sample = photo_sample(self.origin.photos, image, batch)
        expected = run_eager(self.module, sample.arrays[0], "compile")
        return replace(self, golden_image=image, sample=sample, expected=expected, batch=batch)

    def in_few_colors(self) -> Subject:
        """Return the same with a golden photo of the input's size, in few colors to stay small."""
        sample = in_few_colors(self.sample, self.origin.photos)
        expected = pytorch_step(self.module)(sample.arrays[0])
        return replace(self, golden_image=sample.photo, sample=sample, expected=expected)


@dataclass(frozen=True)
class PhotoModule:
    """Holds a module that takes photos, and the golden photo as its input.

    Attributes:
        module: the module as it was given or built.
        origin, registered, golden_image, sample: see `Subject`.
    """

    module: nn.Module
    origin: ModelOrigin
    registered: bool
    golden_image: np.ndarray
    sample: Sample


def origin_of(module: nn.Module, preprocess: Preprocess | None) -> ModelOrigin:
    """Return the origin that `create_model` attached, or one with the name of the class."""
    module = unwrapped(module)
    origin = getattr(module, "hvit_edge", None)
    if isinstance(origin, ModelOrigin):
        return origin
    return ModelOrigin(type(module).__name__.lower(), "state dict", preprocess, ())


def prepare_subject(
    model: str | Address | nn.Module,
    args: Mapping[str, object] | None = None,
    weights: object = None,
    num_classes: int | None = None,
    input_size: int | tuple[int, int] | None = None,
    weights_key: str | None = None,
    preprocess: object = None,
    labels: object = None,
) -> Subject:
    """Build the module if needed, and compute its answer to the golden photo.

    The arguments and errors are those of `compile`.
    """
    given = (model, args, weights, num_classes, input_size, weights_key, preprocess, labels)
    asked = read_photo_module(*given)
    own, example = asked.module, asked.sample.arrays[0]
    if asked.registered:
        expected = run_eager(own, example, "compile")
    else:
        own, expected = run_own(own, example, "compile")
    Classify().check_labels(asked.origin.labels, [expected.shape], "compile")
    return Subject(own, asked.origin, asked.registered, asked.golden_image, asked.sample, expected)


def read_photo_module(
    model: str | Address | nn.Module,
    args: Mapping[str, object] | None = None,
    weights: object = None,
    num_classes: int | None = None,
    input_size: int | tuple[int, int] | None = None,
    weights_key: str | None = None,
    preprocess: object = None,
    labels: object = None,
) -> PhotoModule:
    """Build the module if needed, and preprocess the golden photo for it.

    The arguments and errors are those of `compile`.
    """
    choice = read_choice(preprocess, "compile")
    module, registered = module_of(
        model, args, weights, num_classes, input_size, weights_key, choice, labels
    )
    if isinstance(model, (str, Address)):
        choice, labels = PreprocessChoice(), None  # the module has them already
    if not registered:
        check_module(module, "compile")
    origin = _with_given(origin_of(module, None), module, choice, given_labels(labels))
    image = _golden_image(origin.photos)
    return PhotoModule(module, origin, registered, image, photo_sample(origin.photos, image))


def module_of(
    model: str | Address | nn.Module,
    args: Mapping[str, object] | None,
    weights: object,
    num_classes: int | None,
    input_size: int | tuple[int, int] | None,
    weights_key: str | None,
    choice: PreprocessChoice | None = None,
    labels: object = None,
    photos: bool = True,
) -> tuple[nn.Module, bool]:
    """Return the requested module, and True if it is a registered one.

    The arguments and errors are those of `compile`; for `photos` see `named_model`.
    """
    if isinstance(model, (str, Address)):
        address = check_address(model, "compile")
        module = named_model(
            address,
            args=args,
            weights=weights,
            num_classes=num_classes,
            input_size=input_size,
            weights_key=weights_key,
            preprocess=choice,
            labels=labels,
            photos=photos,
        )
        return module, address.kind == "registered"
    if (weights, num_classes, input_size, weights_key, args) != (None,) * 5:
        raise InputError(
            "[compile] expected weights, num_classes, input_size, weights_key and args only with a"
            " name or an address, got them with a module; load them into the module instead"
        )
    return model, False


def _with_given(
    origin: ModelOrigin,
    module: nn.Module,
    choice: PreprocessChoice,
    labels: tuple[str, ...] | None,
) -> ModelOrigin:
    """Return `origin` with the caller's preprocessing and labels, if given, in place of its own."""
    found, source = origin.preprocess, origin.preprocess_source
    config = config_of(unwrapped(module)) if choice.named == "timm" else {}
    if config:
        found, source = timm.read_preprocess(config), "pretrained_cfg"
        choice = replace(choice, named="")
    if choice.whole is not None:
        found, source = choice.over(choice.whole, choice.source)
    elif found is not None:
        found, source = choice.over(found, source)
    if found is None:
        raise InputError(
            "[compile] expected preprocess=Preprocess(...) with a module of your own, got"
            f" {'fields without the others' if choice.fields else choice.named or 'none'}"
        )
    origin = replace(origin, preprocess=found, preprocess_source=source)
    if labels is not None:
        origin = replace(origin, labels=labels, labels_source=ARGUMENT if labels else "")
    return origin


def _golden_image(preprocess: Preprocess) -> np.ndarray:
    """Return the golden photo, uint8 [h, w, 3], slightly larger than the preprocessing needs."""
    photo = next(path for path in bundled_photos() if path.name == GOLDEN_PHOTO)
    image = load_image(photo)
    wanted = GOLDEN_MARGIN * max(preprocess.resize_size, *preprocess.input_size)
    scale = wanted / min(image.shape[:2])
    if scale >= 1:
        return image
    size = (round(image.shape[1] * scale), round(image.shape[0] * scale))
    return np.asarray(Image.fromarray(image).resize(size, Image.Resampling.LANCZOS))


def in_few_colors(sample: Sample, preprocess: Preprocess) -> Sample:
    """Return a preprocessed photo in few colors."""
    photo = Image.fromarray(sample.photo)
    few = photo.quantize(GOLDEN_COLORS, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    pixels = np.asarray(few.convert("RGB"))
    return Sample((preprocess.normalise(pixels),), pixels)

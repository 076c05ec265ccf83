"""From a translated program to Core ML's own model: precision, input and output types, metadata."""

from __future__ import annotations

import contextlib
import io
import logging
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import coremltools as ct
import coremltools.optimize.coreml as compression
import numpy as np
from coremltools.converters.mil.frontend.milproto.load import load
from coremltools.converters.mil.mil import Program
from coremltools.models import MLModel, utils

from hvit_edge.coreml.features import IMAGE, PROBABILITIES
from hvit_edge.errors import InputError
from hvit_edge.targets.coreml.translate import Translated

IOS = {17: ct.target.iOS17, 18: ct.target.iOS18}
PALETTE_BITS = {"w6": 6, "w4": 4}
COMPRESSED = ("w8", "int8", *PALETTE_BITS)
SMALLEST = 512  # elements of a constant that is worth compressing
DESCRIPTIONS = {
    "image": "The photo, resized and cropped; pixel values are normalised inside.",
    "logits": "One value a class, before softmax.",
    "probabilities": "One value a class, they sum to 1.",
    "classLabel": "The label of the most probable class.",
}


@dataclass(frozen=True)
class Options:
    """What a package is to be.

    Attributes:
        ios: 17 or 18, the oldest system that it runs on.
        precision: "fp16", "fp32", or one of `COMPRESSED`; of "int8" the weights, its activations
            are the translation's.
        bgr: the network takes its channels as blue, green, red.
        labels: class names in class order, or none.
        image: the input is a photo; otherwise the inputs are arrays.
    """

    ios: int
    precision: str
    bgr: bool
    labels: Sequence[str]
    image: bool = True


@dataclass(frozen=True)
class About:
    """What Xcode shows of a model."""

    author: str
    licence: str
    version: str
    description: str


def build(translated: Translated, options: Options, *, in_float32: Collection[str] = ()) -> MLModel:
    """Convert a program.

    Args:
        translated: from `translate`; the program is changed.
        options: its form.
        in_float32: names of operators to keep in float32.
    """
    half = ct.transform.FP16ComputePrecision(op_selector=lambda op: op.name not in in_float32)
    precision = ct.precision.FLOAT32 if options.precision == "fp32" else half
    with quiet():
        if options.precision not in COMPRESSED:
            return _convert(translated.program, options, precision, options.labels)
        plain = _convert(translated.program, options, precision, ())
        with _scales_apart():
            small = _compress(plain, options.precision)
        if not options.labels:
            return small
        # coremltools cannot write a classifier that was compressed: its last operators change
        # places. So the classes come to the compressed program, which keeps its precision.
        program = load(small.get_spec(), small._spec.specificationVersion, small.weights_dir)
        return _convert(program, options, ct.precision.FLOAT32, options.labels)


def passes() -> ct.PassPipeline:
    """Return coremltools' passes but for those that multiply a scale into a layer's weights.

    Weights stay those of the graph, which they are compared with; batch norms are folded before.
    """
    passes = ct.PassPipeline.DEFAULT
    passes.remove_passes({"common::fuse_conv_scale", "common::fuse_conv_batchnorm"})
    return passes


@contextlib.contextmanager
def _scales_apart() -> Iterator[None]:
    """Let coremltools' compression, which converts once more and takes no passes, use `passes`."""
    convert = utils._mil_convert
    utils._mil_convert = partial(convert, pass_pipeline=passes())
    try:
        yield
    finally:
        utils._mil_convert = convert


def _convert(
    program: Program, options: Options, precision: object, labels: Sequence[str]
) -> MLModel:
    return ct.convert(
        program,
        convert_to="mlprogram",
        minimum_deployment_target=IOS[options.ios],
        compute_precision=precision,
        pass_pipeline=passes(),
        inputs=[_image(program, options)] if options.image else None,
        classifier_config=_classifier(labels),
        skip_model_load=True,
    )


def describe(model: MLModel, about: About, metadata: Mapping[str, str]) -> None:
    """Write what there is to say of a model into it, in place."""
    model.author, model.license = about.author, about.licence
    model.version, model.short_description = about.version, about.description
    features = model.get_spec().description
    for texts, described in (
        (model.input_description, features.input),
        (model.output_description, features.output),
    ):
        for name in (feature.name for feature in described):
            if name in DESCRIPTIONS:
                texts[name] = DESCRIPTIONS[name]
    model.user_defined_metadata.update(metadata)


def unique_labels(labels: Sequence[str]) -> list[str]:
    """Core ML looks classes up by label: one that stands twice gets its class number behind it."""
    count = Counter(labels)
    unique = [f"{text} ({at})" if count[text] > 1 else text for at, text in enumerate(labels)]
    if len(set(unique)) < len(unique):
        twice = next(text for text, n in Counter(unique).items() if n > 1)
        raise InputError(f"[coreml] expected labels that differ, got {twice!r} twice; rename one")
    return unique


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Without coremltools' progress bars and notices; its errors are raised, not printed."""
    logger = logging.getLogger("coremltools")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with contextlib.redirect_stderr(io.StringIO()):
            yield
    finally:
        logger.setLevel(level)


def _image(program: Program, options: Options) -> ct.ImageType:
    shape = program.functions["main"].inputs[IMAGE].shape
    layout = ct.colorlayout.BGR if options.bgr else ct.colorlayout.RGB
    return ct.ImageType(name=IMAGE, shape=shape, color_layout=layout, channel_first=True)


def _classifier(labels: Sequence[str]) -> ct.ClassifierConfig | None:
    if not labels:
        return None
    return ct.ClassifierConfig(unique_labels(labels), predicted_probabilities_output=PROBABILITIES)


def _compress(model: MLModel, precision: str) -> MLModel:
    """Weights with one scale an output channel, or one palette a layer; what is added, such as an
    attention's position bias, keeps its precision.
    """
    if precision in ("w8", "int8"):
        rule = compression.OpLinearQuantizerConfig(
            mode="linear_symmetric", dtype=np.int8, weight_threshold=SMALLEST
        )
        config = compression.OptimizationConfig(op_type_configs={"conv": rule})
        return compression.linear_quantize_weights(model, config)
    if precision in PALETTE_BITS:
        rule = compression.OpPalettizerConfig(
            mode="kmeans", nbits=PALETTE_BITS[precision], weight_threshold=SMALLEST
        )
        config = compression.OptimizationConfig(op_type_configs={"conv": rule})
        return compression.palettize_weights(model, config)
    return model

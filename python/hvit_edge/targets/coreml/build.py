"""Convert a translated program to a Core ML model with precision, feature types and metadata."""

from __future__ import annotations

import contextlib
import io
import logging
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import coremltools as ct
import coremltools.optimize.coreml as compression
import numpy as np
from coremltools.converters.mil.frontend.milproto.load import load
from coremltools.converters.mil.mil import Program
from coremltools.models import MLModel

from hvit_edge.coreml.features import IMAGE, PROBABILITIES
from hvit_edge.errors import InputError
from hvit_edge.targets.coreml.patches import compression_with, light_passes
from hvit_edge.targets.coreml.translate import Translated

IOS = {17: ct.target.iOS17, 18: ct.target.iOS18}
PALETTE_BITS = {"w6": 6, "w4": 4}
COMPRESSED = ("w8", "int8", *PALETTE_BITS)
SMALLEST = 512  # the fewest elements for which compressing a constant is worth it
DESCRIPTIONS = {
    "image": "The photo, resized and cropped; pixel values are normalized inside.",
    "logits": "One value for each class, before softmax.",
    "classes": "The class of each pixel of the input.",
    "embedding": "The features of the photo, not normalized.",
    "probabilities": "One value for each class; they sum to 1.",
    "classLabel": "The label of the most probable class.",
}


@dataclass(frozen=True)
class Options:
    """Says what form a package has.

    Attributes:
        ios: the oldest iOS version that it runs on, 17 or 18.
        precision: "fp16", "fp32", or one of `COMPRESSED`. "int8" is that of the weights here; the
            translation makes activations int8.
        bgr: True if the network reads its channels as blue, green, red.
        labels: class names in class order, or none.
        image: True if the input is a photo, False if the inputs are arrays.
    """

    ios: int
    precision: str
    bgr: bool
    labels: Sequence[str]
    image: bool = True


@dataclass(frozen=True)
class About:
    """Holds what Xcode shows about a model."""

    author: str
    licence: str
    version: str
    description: str


def build(translated: Translated, options: Options, *, in_float32: Collection[str] = ()) -> MLModel:
    """Convert a program to a Core ML model.

    Args:
        translated: the result of `translate`; its program is changed.
        options: the form of the package.
        in_float32: the names of operators to keep in float32.
    """
    half = ct.transform.FP16ComputePrecision(op_selector=lambda op: op.name not in in_float32)
    precision = ct.precision.FLOAT32 if options.precision == "fp32" else half
    with quiet(), light_passes():
        if options.precision not in COMPRESSED:
            return _convert(translated.program, options, precision, options.labels)
        plain = _convert(translated.program, options, precision, ())
        with compression_with(passes(half=True)):
            small = _compress(plain, options.precision)
        if not options.labels:
            return small
        # coremltools cannot write a classifier that was compressed, because its last operators
        # move. So the classes are added to the compressed program, which keeps its precision.
        program = load(small.get_spec(), small._spec.specificationVersion, small.weights_dir)
        return _convert(program, options, ct.precision.FLOAT32, options.labels)


def passes(*, half: bool = False) -> ct.PassPipeline:
    """Return coremltools' passes, except some.

    - Those that multiply a scale into a layer's weights. The weights must stay those of the graph,
      because they are compared with them. Batch norms are folded before.
    - That which makes a batch norm of a product and a sum for each channel, such as the
      normalization of pixels. Its variance is 1 and its epsilon 1e-5, so it divides by 1.000005. In
      float16 (`half`) it is kept: colors would shift more if the product were rounded.
    """
    passes = ct.PassPipeline.DEFAULT
    passes.remove_passes({"common::fuse_conv_scale", "common::fuse_conv_batchnorm"})
    if not half:
        passes.remove_passes({"common::fuse_elementwise_to_batchnorm"})
    return passes


def _convert(
    program: Program, options: Options, precision: object, labels: Sequence[str]
) -> MLModel:
    return ct.convert(
        program,
        convert_to="mlprogram",
        minimum_deployment_target=IOS[options.ios],
        compute_precision=precision,
        pass_pipeline=passes(half=precision is not ct.precision.FLOAT32),
        inputs=[_image(program, options)] if options.image else None,
        classifier_config=_classifier(labels),
        skip_model_load=True,
    )


def describe(model: MLModel, about: About, metadata: Mapping[str, str]) -> None:
    """Write the texts and metadata of a model into it, in place."""
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
    """Return labels that are unique, because Core ML looks classes up by label.

    A label that occurs several times gets its class number appended.

    Raises:
        InputError: two labels are equal even then.
    """
    count = Counter(labels)
    unique = [f"{text} ({at})" if count[text] > 1 else text for at, text in enumerate(labels)]
    if len(set(unique)) < len(unique):
        twice = next(text for text, n in Counter(unique).items() if n > 1)
        raise InputError(f"[coreml] expected unique labels, got {twice!r} twice; rename one")
    return unique


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Hide coremltools' progress bars and notices; errors are raised, not printed."""
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
    """Compress the weights of layers: one scale for each output channel, or one palette a layer.

    Other constants, such as an attention's position bias, keep their precision.
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

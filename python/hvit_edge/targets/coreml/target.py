"""Make Core ML packages, which the reference evaluator runs on any machine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from torch.fx import GraphModule, Node

from hvit_edge.artifact.container import Arrays
from hvit_edge.coreml import Program, load_program
from hvit_edge.coreml.features import IMAGE, LOGITS
from hvit_edge.coreml.toolkit import toolkit
from hvit_edge.errors import LoweringError
from hvit_edge.lowering import COREML_PIPELINE, Rewrite
from hvit_edge.precision import COREML_PACKAGES
from hvit_edge.preprocess import Preprocess
from hvit_edge.quantize.arithmetic import STORED_FLOAT16
from hvit_edge.quantize.ranges import Range
from hvit_edge.targets.coreml.feature_names import feature_names, stored
from hvit_edge.targets.coreml.package_values import PackageLayer, package_layers, package_values
from hvit_edge.targets.coreml.stored_graph import check_weights, stored_graph
from hvit_edge.targets.target import Job, Prepared, Quantized, Run, Sample, Target, Values
from hvit_edge.tasks import Classify, Detect

if TYPE_CHECKING:
    from coremltools.models import MLModel

    from hvit_edge.targets.coreml.translate import Pixels, Translated

MOST_AXES = 5
Features = dict[str, np.ndarray]


@dataclass(frozen=True)
class Package:
    """Holds a converted model.

    Attributes:
        model: model of coremltools.
        program: the program, which the evaluator runs.
        in_float32: operators that stay in float32, with module and reason.
        pixels: scale and bias of pixels; None if the model does not take a photo.
        ranges: for "int8", the range of each layer's input, by the graph's node; None otherwise.
        layers: layers of the graph in the program; empty for float32.
    """

    model: MLModel
    program: Program
    in_float32: tuple[dict[str, str], ...]
    pixels: Pixels | None
    ranges: Mapping[Node, Range] | None
    layers: list[PackageLayer]


class CoreMLTarget(Target[Package]):
    """Makes Core ML packages."""

    name = "coreml"
    step = "evaluated"
    packages = COREML_PACKAGES
    takes_pixels = True

    def passes(self, precision: str, cpu: str) -> Sequence[Rewrite]:
        """Return the rewrites of a package, which are the same for all precisions."""
        toolkit()  # says at once if coremltools is missing
        return COREML_PIPELINE

    def lower(self, prepared: Prepared, job: Job) -> Package:
        """Convert a graph; the weights are compressed while the package is built.

        Raises:
            LoweringError: an operator has no translation, or an array has no axis or more than
                five.
        """
        from hvit_edge.targets.coreml.build import Options, build
        from hvit_edge.targets.coreml.detector_pipeline import detector

        _check_axes(job)
        job.tell("convert")
        graph, spec = prepared.graph, job.preprocess
        pixels = None if spec is None else _pixels(graph, spec, job.precision)
        ranges = _ranges(graph, job)
        translated, reasons = _translate(graph, job, pixels, ranges)
        bgr = spec is not None and spec.channel_order == "BGR"
        labels = job.labels if isinstance(job.task, Classify) else ()
        options = Options(job.ios, job.precision, bgr, labels, image=spec is not None)
        model = build(translated, options, in_float32=reasons)
        if isinstance(job.task, Detect):
            model = detector(model, job.task, job.labels)
        job.tell("evaluate")
        program = load_program(model.package_path)
        layers = []
        if job.precision != "fp32":
            layers = package_layers(graph, program, translated.nodes)
        kept = tuple(
            {"operator": name, "module": translated.modules.get(name, ""), "reason": reason}
            for name, reason in reasons.items()
        )
        return Package(model, program, kept, pixels, ranges, layers)

    def stored(self, prepared: Prepared, program: Package, job: Job) -> Quantized | None:
        """Return the graph with the weights and ranges of a package, and check its weights.

        Raises:
            ParityError: the weights are not those of the model.
        """
        if job.precision == "fp32":
            return None
        check_weights(job.name, prepared.graph, program.layers, job.precision)
        graph = stored_graph(prepared.graph, program.layers, program.ranges)
        spec, pixels = job.preprocess, program.pixels
        if spec is None or pixels is None:
            return Quantized(graph, STORED_FLOAT16)
        scale, bias = pixels.scale, pixels.bias

        def given(sample: Sample) -> Arrays:
            planes = spec.planes(sample.photo)
            return ((planes * scale[:, None, None] + bias[:, None, None]).astype(np.float32),)

        return Quantized(graph, STORED_FLOAT16, given)

    def run(self, program: Package, job: Job) -> Run:
        """Return a function that runs the package in the evaluator, once for each sample."""
        known: dict[int, tuple[Sample, Arrays]] = {}  # the sample too, so that its id stays its own

        def run(sample: Sample) -> Arrays:
            if id(sample) not in known:
                known[id(sample)] = sample, _evaluated(program.program, job, sample)
            return known[id(sample)][1]

        return run

    def values(self, prepared: Prepared, program: Package, job: Job) -> Values:
        """Return what the layers of a package read and write."""
        sample = job.samples[0]
        if job.preprocess is not None:
            return package_values(program.layers, program.program, {IMAGE: sample.photo})
        inputs, _ = feature_names(*job.names)
        features = _features(inputs, sample.arrays)
        return package_values(program.layers, program.program, features)


def _evaluated(program: Program, job: Job, sample: Sample) -> Arrays:
    """Return the answers of a program to a sample, in the dtypes of the module's outputs."""
    if job.preprocess is not None:
        found = program.run({IMAGE: sample.photo})
        return tuple(np.float32(found[name]) for name in job.task.output_names or (LOGITS,))
    inputs, outputs = feature_names(*job.names)
    found = program.run(_features(inputs, sample.arrays))
    return tuple(
        np.asarray(found[name]).astype(like.dtype)
        for name, like in zip(outputs, job.outputs, strict=True)
    )


def _features(names: Sequence[str], arrays: Arrays) -> Features:
    return dict(zip(names, map(stored, arrays), strict=True))


def _ranges(graph: GraphModule, job: Job) -> Mapping[Node, Range] | None:
    """Return the range of each layer's input for "int8"; None for any other precision."""
    from hvit_edge.targets.coreml.activations import activation_ranges

    if job.precision != "int8":
        return None
    inputs = job.needed_calibration().inputs
    return activation_ranges(graph, inputs, job.progress, job.reuse)


def _translate(
    graph: GraphModule, job: Job, pixels: Pixels | None, ranges: Mapping[Node, Range] | None
) -> tuple[Translated, dict[str, str]]:
    """Translate a graph, and return the reasons of the operators that must stay in float32."""
    from hvit_edge.targets.coreml.build import IOS
    from hvit_edge.targets.coreml.half_safety import unsafe_in_float16
    from hvit_edge.targets.coreml.photo_outputs import in_float32, outputs_of
    from hvit_edge.targets.coreml.translate import Names, translate

    options = {"opset": IOS[job.ios], "pixels": pixels, "ranges": ranges}
    if job.preprocess is None:
        translated = translate(graph, names=Names(*feature_names(*job.names)), **options)
    else:
        outputs = outputs_of(job.task, job.preprocess.input_size)
        translated = translate(graph, outputs=outputs, **options)
    if job.precision == "fp32":
        return translated, {}
    found = unsafe_in_float16(translated.program, _float_inputs(job))
    return translated, found | in_float32(translated.program)


def _pixels(graph: GraphModule, spec: Preprocess, precision: str) -> Pixels:
    """Return the scale and bias of pixels; in float16 the graph may be changed to suit them."""
    from hvit_edge.targets.coreml.normalization import hold_in_float16
    from hvit_edge.targets.coreml.translate import Pixels

    mean, std = np.array(spec.mean), np.array(spec.std)
    pixels = Pixels(1 / (255 * std), -mean / std)
    if precision in ("fp32", "int8"):  # the ranges of int8 are those of the network as it is
        return pixels
    return hold_in_float16(graph, pixels)


def _float_inputs(job: Job) -> list[Features]:
    """Return the inputs of a translated program that show which operators float16 would break."""
    if job.preprocess is None:
        inputs, _ = feature_names(*job.names)
        return [_features(inputs, sample.arrays) for sample in job.samples]
    photos = job.samples[1:] or job.samples
    return [{IMAGE: job.preprocess.planes(photo.photo)} for photo in photos]


def _check_axes(job: Job) -> None:
    """Refuse arrays that Core ML has no inputs and outputs for."""
    inputs, outputs = job.names
    named = [
        *zip(inputs, job.samples[0].arrays, strict=False),
        *zip(outputs, job.outputs, strict=False),
    ]
    faults = [f"{name} {list(a.shape)}" for name, a in named if not 1 <= a.ndim <= MOST_AXES]
    if faults:
        raise LoweringError(
            f"[coreml] expected inputs and outputs of 1 to {MOST_AXES} axes, got"
            f" {', '.join(faults)}; reshape them in the module, or compile for another target"
        )

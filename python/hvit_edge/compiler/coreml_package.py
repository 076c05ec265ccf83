"""Compile a model to a Core ML package, with gates that use the reference evaluator."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from PIL import Image
from torch.fx import GraphModule, Node

from hvit_edge.artifact.container import Golden
from hvit_edge.artifact.metadata import Metadata
from hvit_edge.artifact.package_file import write_package
from hvit_edge.compiler.description import COREML_PACKAGES, describe_artifact
from hvit_edge.compiler.gate import Gate
from hvit_edge.compiler.gated_graphs import rewritten_graph
from hvit_edge.compiler.report import Artifact, PackageReport
from hvit_edge.compiler.subject import Subject
from hvit_edge.coreml import Program, load_program
from hvit_edge.coreml.features import IMAGE, LOGITS
from hvit_edge.coreml.metadata import write_metadata
from hvit_edge.coreml.toolkit import toolkit
from hvit_edge.lowering import COREML_PIPELINE
from hvit_edge.parity.fidelity import QuantizedReference
from hvit_edge.parity.forced_layers import forced_layers
from hvit_edge.parity.package_fidelity import check_weights, stored_graph
from hvit_edge.parity.package_values import package_layers, package_values
from hvit_edge.parity.steps import Step, pytorch_step
from hvit_edge.preprocess import load_image
from hvit_edge.progress import Wrap, silent
from hvit_edge.quantize import Calibration
from hvit_edge.quantize.arithmetic import STORED_FLOAT16
from hvit_edge.weights import bundled_photos

if TYPE_CHECKING:
    from hvit_edge.quantize.ranges import Range
    from hvit_edge.targets.coreml.translate import Pixels

GOLDEN_COLORS = 64


@dataclass(frozen=True)
class PackageRequest:
    """Holds the options of `compile` for Core ML; see `compile` for their meaning.

    Attributes:
        compute_units: a hint for apps, "all", "cpu", "cpu-gpu" or "cpu-ne", which is only recorded.
    """

    subject: Subject
    precision: str
    ios: int
    compute_units: str
    path: Path
    force: bool
    rtol: float | None
    calibration: Calibration | None
    tell: Callable[[str], None]
    progress: Wrap = silent


def compile_package(request: PackageRequest) -> Artifact:
    """Compile for Core ML.

    Raises:
        LoweringError: an operator has no translation, or an array would need six axes.
        ParityError: the difference of a step from its reference is above its tolerance.
        InputError: coremltools is missing, or the package cannot be written.
    """
    start = time.perf_counter()
    toolkit()
    pixels = _golden_pixels(request.subject)
    request = replace(request, subject=_asked_about(request.subject, pixels))
    subject, gate = request.subject, Gate(request.subject, request.precision, request.rtol)
    graph = rewritten_graph(gate, COREML_PIPELINE, request.tell)
    request.tell("convert")
    converted = _convert(request, graph)
    model, in_float32 = converted.model, converted.in_float32
    request.tell("evaluate")
    program = load_program(model.package_path)
    gate_package(gate, graph, program, converted, pixels)
    request.tell("write")
    metadata = describe_artifact(subject, "coreml", gate, COREML_PACKAGES)
    _describe(request, model, metadata, Golden(pixels, subject.expected, gate.graph))
    return Artifact(
        request.path,
        PackageReport(
            model=subject.origin.name,
            target="coreml",
            precision=request.precision,
            weights=metadata.weights_source,
            origin=subject.origin,
            ios=request.ios,
            path=request.path,
            bytes=write_package(request.path, saved(model), force=request.force),
            operators=program.counts(),
            in_float32=in_float32,
            parity=metadata.parity,
            steps=tuple(gate.results),
            rewrites_left_out=gate.rewrites_left_out,
            calibration=request.calibration,
            seconds=time.perf_counter() - start,
        ),
    )


def _golden_pixels(subject: Subject) -> np.ndarray:
    """Return the golden photo for a package: at the input size, with few colors to be small.

    The result is uint8 [height, width, 3] in RGB.
    """
    photo = Image.fromarray(subject.origin.preprocess.resize_and_crop(subject.golden_image))
    few = photo.quantize(GOLDEN_COLORS, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    return np.asarray(few.convert("RGB"))


def _asked_about(subject: Subject, pixels: np.ndarray) -> Subject:
    """Return the same subject with its answer to `pixels`, which have the input size."""
    example = subject.origin.preprocess.normalise(pixels)
    return replace(subject, example=example, expected=pytorch_step(subject.module)(example))


@dataclass(frozen=True)
class _Converted:
    """Holds a converted model.

    Attributes:
        model: the model of coremltools.
        in_float32: the operators that stay in float32.
        normalization: scale and bias that it applies to pixels before the input of the graph.
        ranges: for "int8", the ranges of activations by node of the graph; otherwise None.
        nodes: names of nodes of the graph, by the names of operators before conversion.
    """

    model: object
    in_float32: tuple[dict, ...]
    normalization: Pixels
    ranges: dict[Node, Range] | None
    nodes: dict[str, str]


def _convert(request: PackageRequest, graph: GraphModule) -> _Converted:
    from hvit_edge.targets.coreml.activations import activation_ranges
    from hvit_edge.targets.coreml.build import IOS, Options, build
    from hvit_edge.targets.coreml.half_safety import unsafe_in_float16
    from hvit_edge.targets.coreml.normalization import hold_in_float16
    from hvit_edge.targets.coreml.translate import Pixels, translate

    preprocess = request.subject.origin.preprocess
    mean, std = np.array(preprocess.mean), np.array(preprocess.std)
    ranges = (
        activation_ranges(graph, request.calibration.inputs, request.progress)
        if request.precision == "int8"
        else None
    )
    normalization = Pixels(1 / (255 * std), -mean / std)
    if request.precision not in ("fp32", "int8"):  # the int8 ranges are for the unchanged graph
        normalization = hold_in_float16(graph, normalization)
    translated = translate(graph, opset=IOS[request.ios], pixels=normalization, ranges=ranges)
    reasons = {}
    if request.precision != "fp32":
        pixels = _pixels(request.subject)
        reasons = unsafe_in_float16(translated.program, [{IMAGE: array} for array in pixels])
    bgr = preprocess.channel_order == "BGR"
    options = Options(request.ios, request.precision, bgr, request.subject.origin.labels)
    model = build(translated, options, in_float32=reasons)
    kept = tuple(
        {"operator": name, "module": translated.modules.get(name, ""), "reason": reason}
        for name, reason in reasons.items()
    )
    return _Converted(model, kept, normalization, ranges, translated.nodes)


def gate_package(
    gate: Gate, graph: GraphModule, program: Program, converted: _Converted, golden: np.ndarray
) -> None:
    """Compare a package with the graph that it stores, and with eager PyTorch.

    Args:
        gate: gate of the compilation.
        graph: the graph that was translated.
        program: the saved program.
        converted: the converted model.
        golden: pixels of the golden photo, uint8 [height, width, 3].

    Raises:
        ParityError: the outputs of the package differ too much.
    """
    if gate.precision != "fp32":
        _gate_fidelity(gate, graph, program, converted, golden)
    gate("evaluated", _golden_step(program, golden))


def _gate_fidelity(
    gate: Gate, graph: GraphModule, program: Program, converted: _Converted, golden: np.ndarray
) -> None:
    """Compare the weights, layers and answers of a package with the graph that it stores."""
    subject = gate.subject
    layers = package_layers(graph, program, converted.nodes)
    check_weights(subject.origin.name, graph, layers, gate.precision)
    stored = stored_graph(graph, layers, converted.ranges)
    preprocess, eager = subject.origin.preprocess, pytorch_step(subject.module)
    photos = [preprocess.resize_and_crop(load_image(path)) for path in bundled_photos()]
    photos.insert(0, golden)

    def given(pixels: np.ndarray) -> np.ndarray:
        scale, bias = converted.normalization.scale, converted.normalization.bias
        planes = preprocess.planes(pixels)
        return (planes * scale[:, None, None] + bias[:, None, None]).astype(np.float32)

    reference = QuantizedReference(
        stored,
        STORED_FLOAT16,
        [given(photo) for photo in photos],
        [eager(preprocess.normalise(photo)) for photo in photos],
    )
    gate.quantized(reference)
    answers = [np.float32(program.run({IMAGE: photo})[LOGITS]) for photo in photos]
    values = package_values(layers, program, {IMAGE: golden})
    example, answer = torch.from_numpy(reference.inputs[0]), torch.from_numpy(answers[0])
    found = forced_layers(stored, values, example, answer, STORED_FLOAT16)
    gate.fidelity(reference, answers, found)


def _pixels(subject: Subject) -> list[np.ndarray]:
    """Return the bundled photos as inputs of the program, float32 [1, 3, H, W], 0 to 255."""
    preprocess = subject.origin.preprocess
    photos = (preprocess.resize_and_crop(load_image(path)) for path in bundled_photos())
    return [preprocess.planes(photo) for photo in photos]


def _golden_step(program: Program, pixels: np.ndarray) -> Step:
    """Return a step that ignores its input and gives the program's answer to the golden photo."""
    return lambda array: np.float32(program.run({IMAGE: pixels})[LOGITS])


def _describe(request: PackageRequest, model: object, metadata: Metadata, golden: Golden) -> None:
    """Write the texts that apps and Xcode show, and our metadata, into the model."""
    from hvit_edge.targets.coreml.build import About, describe

    spec = metadata.preprocess
    size = f"{spec.input_size[0]} x {spec.input_size[1]}"
    resize = f"scaled to {size}"
    if spec.resize_size:
        sides = "both sides" if spec.resize == "stretch" else "its shorter side"
        resize = f"scaled to {spec.resize_size} pixels on {sides}, its center cropped to {size}"
    about = About(
        author=f"hvit-edge {metadata.versions['hvit-edge']}",
        licence="see the source of the weights",
        version=metadata.created,
        description=f"{metadata.model_name}, {metadata.weights_source} weights,"
        f" {metadata.precision}. Takes a photo {resize} ({spec.interpolation}).",
    )
    extra = {"hve_compute_units": request.compute_units}
    describe(model, about, {**write_metadata(metadata, golden), **extra})


def saved(model: object) -> Callable[[Path], None]:
    """Return a function that writes the model, and opens the written file as a check."""

    def save(path: Path) -> None:
        model.save(str(path))
        load_program(path)

    return save

"""Compile a model to a Core ML package: the same gates, judged by the reference evaluator."""

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

GOLDEN_COLOURS = 64


@dataclass(frozen=True)
class PackageRequest:
    """What `compile` asks for, see there.

    Attributes:
        compute_units: a hint for apps, "all", "cpu", "cpu-gpu" or "cpu-ne"; recorded only.
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
        ParityError: a step is outside its tolerance of eager PyTorch.
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
    """The golden photo as a package holds it: at the input's size, in few colours to stay small."""
    photo = Image.fromarray(subject.origin.preprocess.resize_and_crop(subject.golden_image))
    few = photo.quantize(GOLDEN_COLOURS, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    return np.asarray(few.convert("RGB"))


def _asked_about(subject: Subject, pixels: np.ndarray) -> Subject:
    """The same subject with its answer to other pixels."""
    example = subject.origin.preprocess.normalise(pixels)
    return replace(subject, example=example, expected=pytorch_step(subject.module)(example))


@dataclass(frozen=True)
class _Converted:
    """A converted model.

    Attributes:
        model: of coremltools.
        in_float32: which operators of it stay in float32.
        normalisation: what it does to pixels before the graph's input.
        ranges: of "int8", what its layers round to, by the graph's node.
        nodes: name of the graph's node by the name of the operator before conversion.
    """

    model: object
    in_float32: tuple[dict, ...]
    normalisation: Pixels
    ranges: dict[Node, Range] | None
    nodes: dict[str, str]


def _convert(request: PackageRequest, graph: GraphModule) -> _Converted:
    from hvit_edge.targets.coreml.activations import activation_ranges
    from hvit_edge.targets.coreml.build import IOS, Options, build
    from hvit_edge.targets.coreml.half_safety import unsafe_in_float16
    from hvit_edge.targets.coreml.normalisation import hold_in_float16
    from hvit_edge.targets.coreml.translate import Pixels, translate

    preprocess = request.subject.origin.preprocess
    mean, std = np.array(preprocess.mean), np.array(preprocess.std)
    ranges = (
        activation_ranges(graph, request.calibration.inputs, request.progress)
        if request.precision == "int8"
        else None
    )
    normalisation = Pixels(1 / (255 * std), -mean / std)
    if request.precision not in ("fp32", "int8"):  # whose ranges are those of the network as it is
        normalisation = hold_in_float16(graph, normalisation)
    translated = translate(graph, opset=IOS[request.ios], pixels=normalisation, ranges=ranges)
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
    return _Converted(model, kept, normalisation, ranges, translated.nodes)


def gate_package(
    gate: Gate, graph: GraphModule, program: Program, converted: _Converted, golden: np.ndarray
) -> None:
    """Gate a package: by the graph that it stores, and by eager PyTorch.

    Args:
        gate: of the compilation.
        graph: what was translated.
        program: what was saved.
        converted: how.
        golden: the golden photo's pixels, uint8 [height, width, 3].

    Raises:
        ParityError: the package computes something else.
    """
    if gate.precision != "fp32":
        _gate_fidelity(gate, graph, program, converted, golden)
    gate("evaluated", _golden_step(program, golden))


def _gate_fidelity(
    gate: Gate, graph: GraphModule, program: Program, converted: _Converted, golden: np.ndarray
) -> None:
    """Gate a package's weights, its layers and its answers by the graph that it stores."""
    subject = gate.subject
    layers = package_layers(graph, program, converted.nodes)
    check_weights(subject.origin.name, graph, layers, gate.precision)
    stored = stored_graph(graph, layers, converted.ranges)
    preprocess, eager = subject.origin.preprocess, pytorch_step(subject.module)
    photos = [preprocess.resize_and_crop(load_image(path)) for path in bundled_photos()]
    photos.insert(0, golden)

    def given(pixels: np.ndarray) -> np.ndarray:
        scale, bias = converted.normalisation.scale, converted.normalisation.bias
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
    """The bundled photos as the translated program takes them: float32 [1, 3, H, W], 0 to 255."""
    preprocess = subject.origin.preprocess
    photos = (preprocess.resize_and_crop(load_image(path)) for path in bundled_photos())
    return [preprocess.planes(photo) for photo in photos]


def _golden_step(program: Program, pixels: np.ndarray) -> Step:
    """The program's answer to the golden photo, whatever array it is asked about."""
    return lambda array: np.float32(program.run({IMAGE: pixels})[LOGITS])


def _describe(request: PackageRequest, model: object, metadata: Metadata, golden: Golden) -> None:
    """Write what apps and Xcode show into the model."""
    from hvit_edge.targets.coreml.build import About, describe

    spec = metadata.preprocess
    size = f"{spec.input_size[0]} x {spec.input_size[1]}"
    resize = f"scaled to {size}"
    if spec.resize_size:
        sides = "both sides" if spec.resize == "stretch" else "its shorter side"
        resize = f"scaled to {spec.resize_size} pixels on {sides}, its centre cropped to {size}"
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
    """Return a function that writes the model, and opens what was written."""

    def save(path: Path) -> None:
        model.save(str(path))
        load_program(path)

    return save

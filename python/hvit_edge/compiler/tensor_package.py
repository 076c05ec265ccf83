"""Compile a module of arrays to a Core ML package, with gates that use the evaluator."""

from __future__ import annotations

import time
from functools import partial

from torch.fx import GraphModule, Node

from hvit_edge.artifact.package_file import write_package
from hvit_edge.compiler.coreml_package import saved
from hvit_edge.compiler.description import COREML_PACKAGES, describe_artifact
from hvit_edge.compiler.report import Artifact, PackageReport
from hvit_edge.compiler.tensor_gate import TensorGate, TensorReference
from hvit_edge.compiler.tensor_programs import TensorRequest, rewritten_tensors
from hvit_edge.compiler.tensor_subject import TensorSubject
from hvit_edge.coreml import load_program
from hvit_edge.coreml.metadata import write_metadata
from hvit_edge.coreml.toolkit import toolkit
from hvit_edge.errors import LoweringError
from hvit_edge.lowering import COREML_PIPELINE
from hvit_edge.parity.package_fidelity import check_weights, stored_graph
from hvit_edge.parity.package_values import package_layers
from hvit_edge.quantize.arithmetic import STORED_FLOAT16
from hvit_edge.quantize.ranges import Range
from hvit_edge.tensors.package_names import feature_names
from hvit_edge.tensors.package_session import program_outputs, stored

MOST_AXES = 5


def compile_tensor_package(request: TensorRequest, ios: int, compute_units: str) -> Artifact:
    """Compile for Core ML.

    Raises:
        LoweringError: an operator has no translation, or an array has no axis or more than five.
        ParityError: the difference of an output from its reference is above its tolerance.
        InputError: coremltools is missing, or the package cannot be written.
    """
    toolkit()
    subject = request.subject
    _check_axes(subject)
    gate = TensorGate(subject, request.precision, request.rtol)
    graph = rewritten_tensors(gate, COREML_PIPELINE, request.tell)
    request.tell("convert")
    names = feature_names(subject.input_names, subject.output_names)
    model, translated, ranges, in_float32 = _convert(request, graph, names, ios)
    request.tell("evaluate")
    program = load_program(model.package_path)
    step = partial(program_outputs, program, gate.golden, names)
    if request.precision != "fp32":
        layers = package_layers(graph, program, translated.nodes)
        check_weights(subject.origin.name, graph, layers, request.precision)
        graph = stored_graph(graph, layers, ranges)
        gate.quantized(TensorReference(graph, STORED_FLOAT16, subject, request.precision))
        gate.fidelity(step)
    gate("evaluated", step)
    request.tell("write")
    metadata = gate.complete(describe_artifact(subject, "coreml", gate, COREML_PACKAGES))
    _describe(model, write_metadata(metadata, gate.golden), compute_units)
    return Artifact(
        request.path,
        PackageReport(
            model=subject.origin.name,
            target="coreml",
            precision=request.precision,
            weights=metadata.weights_source,
            origin=subject.origin,
            ios=ios,
            path=request.path,
            bytes=write_package(request.path, saved(model), force=request.force),
            operators=program.counts(),
            in_float32=in_float32,
            parity=metadata.parity,
            steps=tuple(gate.results),
            rewrites_left_out=gate.rewrites_left_out,
            calibration=request.calibration,
            seconds=time.perf_counter() - request.start,
            **gate.reported,
        ),
    )


def _check_axes(subject: TensorSubject) -> None:
    """Raise LoweringError for arrays that Core ML does not support as inputs or outputs."""
    named = [
        *zip(subject.input_names, subject.samples[0], strict=True),
        *zip(subject.output_names, subject.expected[0], strict=True),
    ]
    faults = [f"{name} {list(a.shape)}" for name, a in named if not 1 <= a.ndim <= MOST_AXES]
    if faults:
        raise LoweringError(
            f"[coreml] expected inputs and outputs of 1 to {MOST_AXES} axes, got"
            f" {', '.join(faults)}; reshape them in the module, or compile for another target"
        )


def _convert(
    request: TensorRequest, graph: GraphModule, names: tuple, ios: int
) -> tuple[object, object, dict[Node, Range] | None, tuple[dict, ...]]:
    """Return the model, its translation, its int8 ranges, and its operators in float32."""
    from hvit_edge.targets.coreml.activations import activation_ranges
    from hvit_edge.targets.coreml.build import IOS, Options, build
    from hvit_edge.targets.coreml.half_safety import unsafe_in_float16
    from hvit_edge.targets.coreml.translate import Names, translate

    ranges = None
    if request.precision == "int8":
        ranges = activation_ranges(graph, request.calibration.inputs, request.progress)
    translated = translate(graph, opset=IOS[ios], pixels=None, ranges=ranges, names=Names(*names))
    reasons = {}
    if request.precision != "fp32":
        samples = [
            dict(zip(names[0], map(stored, arrays), strict=True))
            for arrays in request.subject.samples
        ]
        reasons = unsafe_in_float16(translated.program, samples)
    options = Options(ios, request.precision, bgr=False, labels=(), image=False)
    model = build(translated, options, in_float32=reasons)
    kept = tuple(
        {"operator": name, "module": translated.modules.get(name, ""), "reason": reason}
        for name, reason in reasons.items()
    )
    return model, translated, ranges, kept


def _describe(model: object, metadata: dict[str, str], compute_units: str) -> None:
    """Write the texts that apps and Xcode show, and our metadata, into the model."""
    from hvit_edge.targets.coreml.build import About, describe

    version = dict(line.split("=", 1) for line in metadata["hve_versions"].splitlines())
    about = About(
        author=f"hvit-edge {version['hvit-edge']}",
        licence="see the source of the weights",
        version=metadata["hve_created"],
        description=f"{metadata['hve_model_name']}, {metadata['hve_weights_source']} weights,"
        f" {metadata['hve_precision']}. Takes and gives arrays.",
    )
    describe(model, about, {**metadata, "hve_compute_units": compute_units})

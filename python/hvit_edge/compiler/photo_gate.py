"""Check each step of an artifact that classifies photos."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from torch.fx import GraphModule

from hvit_edge.artifact.container import Arrays, Golden, GraphAnswer
from hvit_edge.compiler.gate import REMEDIES, Gate
from hvit_edge.compiler.subject import Subject
from hvit_edge.lowering import export_graph
from hvit_edge.measures.tolerance import Tolerance, quantized_tolerance, step_tolerance
from hvit_edge.parity.fidelity import QuantizedReference
from hvit_edge.parity.steps import QUANTIZED, StepResult, judge, pytorch_step
from hvit_edge.preprocess import Preprocess, load_image
from hvit_edge.quantize import Calibration, bundled_calibration
from hvit_edge.quantize.calibration import CalibrationInput
from hvit_edge.targets.target import Quantized, Run, Sample, Values, photo_sample
from hvit_edge.weights import bundled_photos

LAYER_INPUTS = 16
"""Number of images on which the layers are measured."""


@dataclass
class PhotoGate(Gate):
    """Measures each step on the golden photo, and quantized steps on the bundled photos as well.

    Attributes:
        graph: answer of the quantized graph to the golden photo; None until it is measured.
        reference: the quantized graph with its answers; None until it is measured.
    """

    subject: Subject
    graph: GraphAnswer | None = None
    reference: QuantizedReference | None = None

    @property
    def golden(self) -> Golden:
        """Return the golden photo with the answers of the module and of the quantized graph."""
        return Golden(self.subject.golden_image, self.subject.expected, self.graph)

    @property
    def samples(self) -> list[Sample]:
        """Return the golden photo as the only sample."""
        return [self.subject.sample]

    @cached_property
    def photos(self) -> list[Sample]:
        """Return the golden photo and the bundled photos."""
        bundled = bundled_samples(self.subject.origin.photos, self.subject.batch)
        return [self.subject.sample, *bundled]

    def describe_input(self) -> str:
        """Return a sentence that describes how a photo is resized."""
        return describe_photo(self.subject.origin.photos)

    def export(self) -> GraphModule:
        """Return the exported graph of the module."""
        inputs = self.subject.sample.tensors
        return self.reuse.exported(self.subject.module, inputs, export_graph)

    def layer_inputs(self, calibration: Calibration | None) -> list[CalibrationInput]:
        """Return calibration images, or windows of the bundled photos."""
        return photo_inputs(calibration, self.subject.origin.photos, self.subject.batch)

    def check_quantized(self, quantized: Quantized) -> None:
        """Compare a quantized graph with eager PyTorch: on the golden photo, then on all photos."""
        eager = pytorch_step(self.subject.module)
        self.reference = reference = QuantizedReference(
            quantized.graph,
            quantized.arithmetic,
            [quantized.given(photo)[0] for photo in self.photos],
            [eager(photo.arrays[0]) for photo in self.photos],
        )
        tolerance = step_tolerance("quantised", self.precision, self.rtol)
        golden = judge("quantised", reference.outputs[:1], reference.eager[:1], tolerance)
        if not golden.passed:
            self._keep(golden)
        tolerance = quantized_tolerance(self.precision, self.rtol)
        self._keep(judge("quantised", reference.outputs, reference.eager, tolerance))
        self.graph = reference.golden

    def check_fidelity(self, run: Run, values: Callable[[], Values]) -> None:
        """Compare a program with its quantized graph: layer by layer, then on photos."""
        reference = self._measured
        answers = [run(photo)[0] for photo in self.photos]
        inputs, outputs = (reference.inputs[0],), (answers[0],)
        least_db = self._check_layers(reference, values(), inputs, outputs)
        result = judge("fidelity", answers, reference.outputs, reference.tolerance, QUANTIZED)
        self._keep(replace(result, layer_db=least_db))

    @property
    def _measured(self) -> QuantizedReference:
        if self.reference is None:
            raise ValueError("expected check_quantized before check_fidelity")
        return self.reference

    def _run_graph(self, graph: GraphModule, arrays: Arrays) -> Arrays:
        return (pytorch_step(graph)(arrays[0]),)

    def _judged(
        self, name: str, outputs: Sequence[Arrays], tolerance: Tolerance, rtol: float | None
    ) -> StepResult:
        return judge(name, [row[0] for row in outputs], [self.subject.expected], tolerance)

    def _message(self, result: StepResult) -> str:
        difference = result.difference
        agreement = "agrees" if difference.top1_agree else "differs"
        remedy = REMEDIES.get(result.name, "")
        return (
            f"[compile] {self.subject.origin.name}: expected the {result.name} program to have"
            f" {result.tolerance} against {result.reference}, got max_rel"
            f" {difference.max_rel:.3g} (max_abs {difference.max_abs:.3g}, cosine"
            f" {difference.cosine:.6f}, SQNR {result.sqnr_db:.1f} dB, top-1 {agreement}); nothing"
            f" was written{remedy}"
        )


def bundled_samples(preprocess: Preprocess, batch: int = 1) -> list[Sample]:
    """Return the bundled photos as samples, in batches of this size."""
    return [photo_sample(preprocess, load_image(path), batch) for path in bundled_photos()]


def photo_inputs(
    calibration: Calibration | None, preprocess: Preprocess, batch: int = 1
) -> list[CalibrationInput]:
    """Return the calibration images on which layers are measured, or windows of bundled photos."""
    images = calibration or bundled_calibration(preprocess).in_batches(batch)
    return list(images.inputs[:LAYER_INPUTS])


def describe_photo(spec: Preprocess) -> str:
    """Return a sentence that describes how a photo is resized."""
    size = f"{spec.input_size[0]} x {spec.input_size[1]}"
    resize = f"scaled to {size}"
    if spec.resize_size:
        sides = "both sides" if spec.resize == "stretch" else "its shorter side"
        resize = f"scaled to {spec.resize_size} pixels on {sides}, its center cropped to {size}"
    return f"Takes a photo {resize} ({spec.interpolation})."

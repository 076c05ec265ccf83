"""Check every output of each step of an artifact of a task, on photos."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from hvit_edge.artifact.container import Arrays, GoldenPhoto
from hvit_edge.artifact.metadata import TENSOR_SCHEMA_VERSION, Metadata
from hvit_edge.compiler.photo_gate import describe_photo, photo_inputs
from hvit_edge.compiler.task_subject import TaskSubject
from hvit_edge.compiler.tensor_gate import TensorGate, output_specs
from hvit_edge.measures.tolerance import Tolerance
from hvit_edge.parity.steps import StepResult
from hvit_edge.quantize import Calibration
from hvit_edge.quantize.calibration import CalibrationInput
from hvit_edge.targets.target import Sample
from hvit_edge.tasks import Detect, Embed, Segment


@dataclass
class TaskGate(TensorGate):
    """Measures each output of each step on the golden photo, and on others in low precision."""

    subject: TaskSubject

    @property
    def golden(self) -> GoldenPhoto:
        """Return the golden photo with the answers of the module and of the quantized graph."""
        first = GoldenPhoto(self.subject.golden_image, self.subject.expected[0])
        if self.reference is None:
            return first
        graph, least = self.reference.golden()
        return replace(first, graph=graph, least_sqnr_db=least)

    @property
    def samples(self) -> list[Sample]:
        """Return all photos of the subject."""
        return list(self.subject.photos)

    @property
    def reported(self) -> dict[str, object]:
        """Return the fields of the report for the task."""
        subject = self.subject
        return {
            "task": subject.task.name,
            "outputs": output_specs(subject.output_names, subject.expected[0]),
        }

    def complete(self, metadata: Metadata) -> Metadata:
        """Return `metadata` with the fields that only artifacts of this task have."""
        task = self.subject.task
        return replace(
            metadata,
            schema_version=TENSOR_SCHEMA_VERSION,
            task=task.name,
            output_names=task.output_names,
            normalize=task.normalize if isinstance(task, Embed) else "",
            colors=task.colors if isinstance(task, Segment) else (),
            detect=task if isinstance(task, Detect) else None,
        )

    def describe_input(self) -> str:
        """Return a sentence that describes how a photo is resized."""
        return describe_photo(self.subject.origin.photos)

    def layer_inputs(self, calibration: Calibration | None) -> list[CalibrationInput]:
        """Return calibration images, or windows of the bundled photos."""
        return photo_inputs(calibration, self.subject.origin.photos)

    def _judged(
        self, name: str, outputs: Sequence[Arrays], tolerance: Tolerance, rtol: float | None
    ) -> StepResult:
        """Compare outputs as for arrays, and record if the answers of the task agree."""
        result = super()._judged(name, outputs, tolerance, rtol)
        expected = self.subject.expected[: len(outputs)]
        agree = [self.subject.task.agrees(*pair) for pair in zip(expected, outputs, strict=True)]
        return replace(
            result,
            difference=replace(result.difference, top1_agree=all(agree)),
            top1_agreement=sum(agree) / len(agree),
        )

"""Define the report of a validation, for artifacts of any kind."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from hvit_edge.artifact.metadata import CLASSIFY, Difference, LayerRecord
from hvit_edge.datasets import Skipped
from hvit_edge.devices.runner import Facts
from hvit_edge.measures.tolerance import Tolerance
from hvit_edge.parity.answer_agreement import AnswerAgreement
from hvit_edge.parity.steps import StepResult
from hvit_edge.quantize import centred_sqnr, sqnr


@dataclass(frozen=True)
class Noise:
    """Measures the difference of the program's logits from eager PyTorch over all photos.

    Attributes:
        sqnr_db: signal-to-quantization-noise ratio in dB, see `quantize.sqnr`; infinite if all
            logits are equal, minus infinity if one is not finite.
        sqnr_centred_db: SQNR without the mean over all photos, see `quantize.centred_sqnr`; None
            for a single photo.
        worst_image: the photo with the lowest SQNR.
        worst_image_sqnr_db: SQNR of that photo.
    """

    sqnr_db: float
    sqnr_centred_db: float | None
    worst_image: str
    worst_image_sqnr_db: float

    def to_dict(self) -> dict[str, object]:
        """Return the fields for the top level of `ParityReport.to_dict`."""
        return {
            "sqnr_db": self.sqnr_db,
            "sqnr_centred_db": self.sqnr_centred_db,
            "worst_image": {"name": self.worst_image, "sqnr_db": self.worst_image_sqnr_db},
        }


@dataclass(frozen=True)
class DeviceParity:
    """Compares a device with this machine, for the same program.

    Attributes:
        name: address of the device.
        facts: facts about the device.
        against_host: largest difference over the photos.
        top1_agreement: share of photos with the same top class on both, 0 to 1.
    """

    name: str
    facts: Facts
    against_host: Difference
    top1_agreement: float

    def to_dict(self) -> dict[str, object]:
        """Return the fields for "device" of `ParityReport.to_dict`; `top1_agree` is the share."""
        return {
            "name": self.name,
            **self.facts.to_dict(),
            "against_host": {**self.against_host.to_dict(), "top1_agree": self.top1_agreement},
        }


@dataclass(frozen=True)
class ParityReport:
    """Reports the difference of each step from eager PyTorch.

    Attributes:
        artifact: the file or package.
        precision: precision of the artifact.
        images: number of photos or samples.
        tolerance: tolerance of the program for every photo; the steps before quantization have
            their own, see `StepResult`.
        steps: "exported", "rewritten", "fidelity" if the artifact has the answer of its quantized
            graph, "lowered" (ExecuTorch's Python runtime, not for the target "native"), "runtime"
            (C++), and "device" (another machine). For a package the last step is "evaluated" or, in
            Core ML, "predicted".
        noise: noise of the last step.
        layers: the artifact's records of its layers, the worst first; empty if it has none.
        skipped: photos that could not be read, with the reason.
        first_module: with `bisect`, the first module or layer whose output differs.
        worst_layer: with `bisect`, the layer with the most noise if a quantized program breaks;
            None if the artifact has no records, as in packages.
        backend: what ran the program: "C++ runtime", "reference evaluator" or "Core ML".
        device: comparison with the device of the last step; None for this machine.
        task: task of the artifact, see `Metadata`.
        samples: where the samples came from, for the task "tensor".
        method: the method of an artifact with several.
        others: reports of the other methods, if all of them were validated.
        answers: comparison of the final answers of the last step with eager PyTorch's, for the
            tasks "embed", "segment" and "detect".
    """

    artifact: Path
    precision: str
    images: int
    tolerance: Tolerance
    steps: tuple[StepResult, ...]
    noise: Noise
    layers: tuple[LayerRecord, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    first_module: str | None = None
    worst_layer: LayerRecord | None = None
    backend: str = "C++ runtime"
    device: DeviceParity | None = None
    task: str = CLASSIFY
    samples: str = ""
    method: str = ""
    others: tuple[ParityReport, ...] = ()
    answers: AnswerAgreement | None = None

    @property
    def passed(self) -> bool:
        """Return True if every step of every method is within its tolerance on every photo."""
        own = all(step.passed for step in self.steps)
        return own and all(report.passed for report in self.others)

    @property
    def first_break(self) -> str | None:
        """Return the name of the first step outside its tolerance, or None."""
        return next((step.name for step in self.steps if not step.passed), None)

    @property
    def top1_agreement(self) -> float:
        """Return the share of photos with the same top class as in PyTorch, 0 to 1."""
        return self.steps[-1].top1_agreement

    def to_dict(self) -> dict[str, object]:
        """Return the report as plain values; the command line writes infinity as null in JSON."""
        return {
            "artifact": str(self.artifact),
            "task": self.task,
            "samples": self.samples,
            "precision": self.precision,
            "backend": self.backend,
            "device": self.device.to_dict() if self.device else None,
            "images": self.images,
            "skipped": [asdict(photo) for photo in self.skipped],
            "rtol": self.tolerance.max_rel,
            "tolerance": str(self.tolerance),
            "passed": self.passed,
            "first_break": self.first_break,
            "first_module": self.first_module,
            "worst_layer": asdict(self.worst_layer) if self.worst_layer else None,
            "top1_agreement": self.top1_agreement,
            **self.noise.to_dict(),
            "steps": [step.to_dict() for step in self.steps],
            "layers": [asdict(layer) for layer in self.layers],
            "method": self.method,
            "others": [report.to_dict() for report in self.others],
            "answers": None if self.answers is None else self.answers.to_dict(),
        }


def measure_noise(names: list[str], expected: list[np.ndarray], outputs: list[np.ndarray]) -> Noise:
    """Measure the noise of the logits of the named photos."""
    own = [sqnr(e, o) for e, o in zip(expected, outputs, strict=True)]
    worst = own.index(min(own))
    whole = np.concatenate(expected), np.concatenate(outputs)
    centered = centred_sqnr(*whole) if len(names) > 1 else None
    return Noise(sqnr(*whole), centered, names[worst], own[worst])

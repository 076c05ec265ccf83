"""What a validation reports, for artifacts of any kind."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from hvit_edge.artifact.metadata import CLASSIFY, Difference, LayerRecord
from hvit_edge.datasets import Skipped
from hvit_edge.devices.runner import Facts
from hvit_edge.measures.tolerance import Tolerance
from hvit_edge.parity.steps import StepResult
from hvit_edge.quantize import centred_sqnr, sqnr


@dataclass(frozen=True)
class Noise:
    """How the program's logits differ from eager PyTorch's over all photos.

    Attributes:
        sqnr_db: signal to quantisation noise, see `quantize.sqnr`; infinite where all are equal,
            minus infinity where one is not finite.
        sqnr_centred_db: the same without what all photos share, see `quantize.centred_sqnr`; None
            for a single photo.
        worst_image: the photo with the least SQNR of its own.
        worst_image_sqnr_db: that SQNR.
    """

    sqnr_db: float
    sqnr_centred_db: float | None
    worst_image: str
    worst_image_sqnr_db: float

    def to_dict(self) -> dict[str, object]:
        """As `ParityReport.to_dict` has it at its top level."""
        return {
            "sqnr_db": self.sqnr_db,
            "sqnr_centred_db": self.sqnr_centred_db,
            "worst_image": {"name": self.worst_image, "sqnr_db": self.worst_image_sqnr_db},
        }


@dataclass(frozen=True)
class DeviceParity:
    """A device, and how far its outputs are from those of the same program on this machine.

    Attributes:
        name: the device's address.
        facts: what it says of itself.
        against_host: the worst over the photos.
        top1_agreement: share of the photos to which both give the same top class, 0 to 1.
    """

    name: str
    facts: Facts
    against_host: Difference
    top1_agreement: float

    def to_dict(self) -> dict[str, object]:
        """As `ParityReport.to_dict` has it under "device"; `top1_agree` is the share."""
        return {
            "name": self.name,
            **self.facts.to_dict(),
            "against_host": {**self.against_host.to_dict(), "top1_agree": self.top1_agreement},
        }


@dataclass(frozen=True)
class ParityReport:
    """How far each step is from eager PyTorch.

    Attributes:
        artifact: the file or package.
        precision: of the artifact.
        images: number of photos.
        tolerance: what the program must satisfy on every photo; the steps before rounding have
            their own, see `StepResult`.
        steps: "exported", "rewritten", "lowered" (ExecuTorch's Python runtime, which lacks
            the target "native"), "runtime" (C++), and "device", the same on another machine; of a
            package "exported", "rewritten", and "evaluated" or, in Core ML, "predicted".
        noise: of the last of them.
        layers: the artifact's record of its layers, the worst first; empty where it has none.
        skipped: photos that could not be read, with the reason.
        first_module: with `bisect`, the first module whose output differs.
        worst_layer: with `bisect`, where rounding breaks the program: the layer with the most
            noise, None where the artifact has no record, as packages.
        backend: what ran the program: "C++ runtime", "reference evaluator" or "Core ML".
        device: where the last step ran, if not here.
        task: of the artifact, see `Metadata`.
        samples: of the task "tensor", where its samples came from.
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

    @property
    def passed(self) -> bool:
        """Whether every step is within its tolerance on every photo."""
        return all(step.passed for step in self.steps)

    @property
    def first_break(self) -> str | None:
        """The first step that is not."""
        return next((step.name for step in self.steps if not step.passed), None)

    @property
    def top1_agreement(self) -> float:
        """Share of the photos to which the program gives PyTorch's top class, 0 to 1."""
        return self.steps[-1].top1_agreement

    def to_dict(self) -> dict[str, object]:
        """The report as plain values; the command line writes infinity as null in JSON."""
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
        }


def measure_noise(names: list[str], expected: list[np.ndarray], outputs: list[np.ndarray]) -> Noise:
    """How far the logits for the named photos are from those expected."""
    own = [sqnr(e, o) for e, o in zip(expected, outputs, strict=True)]
    worst = own.index(min(own))
    whole = np.concatenate(expected), np.concatenate(outputs)
    centred = centred_sqnr(*whole) if len(names) > 1 else None
    return Noise(sqnr(*whole), centred, names[worst], own[worst])

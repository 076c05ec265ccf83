"""What `compile` returns: the artifact's path, and the report of its making."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hvit_edge.metadata import Difference
from hvit_edge.mixed import MixedReport
from hvit_edge.parity.steps import StepResult
from hvit_edge.quantize import Calibration
from hvit_edge.targets.delegate import Lowered

if TYPE_CHECKING:
    from hvit_edge.compiler_coreml import PackageReport


@dataclass(frozen=True)
class CompileReport:
    """What was compiled, how much of it the delegate took, and how close it comes to PyTorch.

    Attributes:
        model, target, precision, weights: what was asked for; `weights` names the source.
        path, bytes: the artifact and its size.
        lowered: delegates, operators outside and in all, see `targets.delegate.Lowered`.
        parity: of the program against eager PyTorch on the golden photo.
        steps: the same for each step on the way.
        calibration: the images that it was calibrated on; None where there were none.
        mixture: what precision "auto" chose; None for any other.
        seconds: wall time of the whole.
    """

    model: str
    target: str
    precision: str
    weights: str
    path: Path
    bytes: int
    lowered: Lowered
    parity: Difference
    steps: tuple[StepResult, ...]
    calibration: Calibration | None
    mixture: MixedReport | None
    seconds: float

    def to_dict(self) -> dict[str, object]:
        """The report as plain values, ready for JSON."""
        return {
            "model": self.model,
            "target": self.target,
            "precision": self.precision,
            "weights": self.weights,
            "path": str(self.path),
            "bytes": self.bytes,
            "delegates": self.lowered.delegates,
            "ops_outside": [op.to_dict() for op in self.lowered.ops_outside],
            "ops_total": self.lowered.ops_total,
            "delegated_share": self.lowered.delegated_share,
            "parity": self.parity.to_dict(),
            "steps": [step.to_dict() for step in self.steps],
            "calibration": self.calibration.to_dict() if self.calibration else None,
            "mixture": self.mixture.to_dict() if self.mixture else None,
            "seconds": round(self.seconds, 3),
        }


@dataclass(frozen=True)
class Artifact:
    """A written artifact and the report of its making."""

    path: Path
    report: CompileReport | PackageReport

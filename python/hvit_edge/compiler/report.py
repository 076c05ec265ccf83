"""What `compile` returns: the artifact's path, and the report of its making."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

from hvit_edge.artifact.metadata import CLASSIFY, Difference
from hvit_edge.compiler.mixed import MixedReport
from hvit_edge.hints import worded
from hvit_edge.lowering import PassReport
from hvit_edge.parity.steps import StepResult
from hvit_edge.quantize import Calibration
from hvit_edge.runtime import TensorSpec
from hvit_edge.targets.delegate import Lowered
from hvit_edge.weights import ModelOrigin

MOVES = ("transpose", "reshape")


@dataclass(frozen=True, kw_only=True)
class Report:
    """What was compiled, and how close it comes to PyTorch; of any kind of artifact.

    Attributes:
        model, target, precision, weights: what was asked for; `weights` names the source.
        path, bytes: the artifact and its size, of a package that of all its files.
        parity: of the program against eager PyTorch on the golden photo.
        steps: the same for each step on the way.
        calibration: the images that it was calibrated on; None where there were none.
        seconds: wall time of the whole.
        origin: where the weights, preprocessing and labels came from.
        rewrites_left_out: the rewrites that failed and were left out of the program.
        fallback: why the program is lowered without any rewrites, as ExecuTorch does it; empty if
            it is not.
        task: "classify" or "tensor".
        inputs, outputs: of the task "tensor": name, dtype and shape of each.
        sample_source: of the task "tensor", where the golden sample came from.
    """

    model: str
    target: str
    precision: str
    weights: str
    path: Path
    bytes: int
    parity: Difference
    steps: tuple[StepResult, ...]
    calibration: Calibration | None
    seconds: float
    origin: ModelOrigin | None = None
    rewrites_left_out: tuple[PassReport, ...] = ()
    fallback: str = ""
    task: str = CLASSIFY
    inputs: tuple[TensorSpec, ...] = ()
    outputs: tuple[TensorSpec, ...] = ()
    sample_source: str = ""

    def to_dict(self) -> dict[str, object]:
        """The report as plain values, ready for JSON."""
        return {
            "model": self.model,
            "target": self.target,
            "precision": self.precision,
            "weights": self.weights,
            "path": str(self.path),
            "bytes": self.bytes,
            "parity": self.parity.to_dict(),
            "steps": [step.to_dict() for step in self.steps],
            "calibration": self.calibration.to_dict() if self.calibration else None,
            "seconds": round(self.seconds, 3),
            "rewrites_left_out": [
                {"rewrite": report.name, "reason": report.left_out}
                for report in self.rewrites_left_out
            ],
            "fallback": self.fallback,
            **self._sources(),
            "task": self.task,
            "inputs": [asdict(spec) for spec in self.inputs],
            "outputs": [asdict(spec) for spec in self.outputs],
            "sample_source": self.sample_source,
        }

    def _sources(self) -> dict[str, object]:
        """Of preprocessing, labels and weights: what was found, and what was assumed or chosen."""
        origin = self.origin
        return {
            "preprocess": asdict(origin.preprocess) if origin and origin.preprocess else None,
            "preprocess_source": origin.preprocess_source if origin else "",
            "labels_source": origin.labels_source if origin else "",
            "weights_key": origin.weights_key if origin else "",
            "notes": [worded(note) for note in origin.notes] if origin else [],
        }


@dataclass(frozen=True, kw_only=True)
class CompileReport(Report):
    """Of an ExecuTorch program, also how much of it the delegate took.

    Attributes:
        lowered: delegates, operators outside and in all, see `targets.delegate.Lowered`.
        mixture: what precision "auto" chose; None for any other.
    """

    lowered: Lowered
    mixture: MixedReport | None = None

    def to_dict(self) -> dict[str, object]:
        """The report as plain values, ready for JSON."""
        return {
            **super().to_dict(),
            "delegates": self.lowered.delegates,
            "ops_outside": [op.to_dict() for op in self.lowered.ops_outside],
            "ops_total": self.lowered.ops_total,
            "delegated_share": self.lowered.delegated_share,
            "mixture": self.mixture.to_dict() if self.mixture else None,
        }


@dataclass(frozen=True, kw_only=True)
class PackageReport(Report):
    """Of a Core ML package, also its operators; its parity is that in the reference evaluator.

    Attributes:
        ios: the oldest system that the package runs on.
        operators: how often the program calls which operator.
        in_float32: operators that were kept in float32 because float16 would break them, with
            module and reason.
    """

    ios: int
    operators: dict[str, int]
    in_float32: tuple[dict[str, str], ...]

    @property
    def moves(self) -> int:
        """Transposes and reshapes: what only moves data."""
        return sum(self.operators.get(name, 0) for name in MOVES)

    def to_dict(self) -> dict[str, object]:
        """The report as plain values, ready for JSON."""
        return {
            **super().to_dict(),
            "ios": self.ios,
            "operators": self.operators,
            "ops_total": sum(self.operators.values()),
            "moves": self.moves,
            "in_float32": list(self.in_float32),
        }


@dataclass(frozen=True)
class Artifact:
    """A written artifact and the report of its making."""

    path: Path
    report: CompileReport | PackageReport

"""Define the result of `compile`: the path of the artifact, and the report."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

from hvit_edge.artifact.metadata import CLASSIFY, Difference, Method
from hvit_edge.compiler.mixed import MixedReport
from hvit_edge.hints import worded
from hvit_edge.lowering import PassReport
from hvit_edge.parity.steps import StepResult
from hvit_edge.quantize import Calibration
from hvit_edge.runtime import TensorSpec
from hvit_edge.targets.lowered_program import LoweredProgram
from hvit_edge.weights import ModelOrigin

MOVES = ("transpose", "reshape")


@dataclass(frozen=True, kw_only=True)
class MethodReport:
    """Reports a method of an artifact with several.

    Attributes:
        method: its name, batch and input size.
        parity, steps: see `Report`.
        delegates, ops_outside: number of delegates, and of operators outside them.
    """

    method: Method
    parity: Difference
    steps: tuple[StepResult, ...]
    delegates: int
    ops_outside: int

    def to_dict(self) -> dict[str, object]:
        """Return the report as plain values for JSON."""
        return {
            "name": self.method.name,
            "batch": self.method.batch,
            "input_size": list(self.method.size),
            "parity": self.parity.to_dict(),
            "steps": [step.to_dict() for step in self.steps],
            "delegates": self.delegates,
            "ops_outside": self.ops_outside,
        }


@dataclass(frozen=True, kw_only=True)
class Report:
    """Reports a compilation of any kind of artifact, and its difference from PyTorch.

    Attributes:
        model, target, precision, weights: what was compiled; `weights` is the name of the source.
        path, bytes: the artifact and its size; for a package, the size of all its files.
        parity: difference of the program from eager PyTorch on the golden sample.
        steps: result of each step.
        calibration: the calibration images; None if there were none.
        seconds: wall time of the compilation.
        peak_memory_bytes: peak resident memory of the process until then, including its libraries.
        origin: where the weights, preprocessing and labels came from.
        rewrites_left_out: the rewrites that failed and were left out.
        fallback: why stock ExecuTorch lowered the program without rewrites; empty if it did not.
        reused: results of earlier compilations that were not computed again, in words.
        task: name of the task.
        inputs: name, dtype and shape of each, for the task "tensor".
        outputs: the same, for every task but "classify".
        sample_source: where the golden sample came from, for the task "tensor".
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
    peak_memory_bytes: int = 0
    origin: ModelOrigin | None = None
    rewrites_left_out: tuple[PassReport, ...] = ()
    fallback: str = ""
    reused: tuple[str, ...] = ()
    task: str = CLASSIFY
    inputs: tuple[TensorSpec, ...] = ()
    outputs: tuple[TensorSpec, ...] = ()
    sample_source: str = ""

    def to_dict(self) -> dict[str, object]:
        """Return the report as plain values for JSON."""
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
            "peak_memory_bytes": self.peak_memory_bytes,
            "rewrites_left_out": [
                {"rewrite": report.name, "reason": report.left_out}
                for report in self.rewrites_left_out
            ],
            "fallback": self.fallback,
            "reused": list(self.reused),
            **self._sources(),
            "task": self.task,
            "inputs": [asdict(spec) for spec in self.inputs],
            "outputs": [asdict(spec) for spec in self.outputs],
            "sample_source": self.sample_source,
        }

    def _sources(self) -> dict[str, object]:
        """Return the sources of preprocessing, labels and weights, and notes on assumptions."""
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
    """Reports the compilation of an ExecuTorch program, with its delegation.

    Attributes:
        lowered: delegates, operators outside them and all operators, see
            `LoweredProgram`.
        mixture: the report of precision "auto"; None for any other.
        methods: the methods of an artifact with several, of which the other fields describe the
            first; empty for others.
    """

    lowered: LoweredProgram
    mixture: MixedReport | None = None
    methods: tuple[MethodReport, ...] = ()

    def to_dict(self) -> dict[str, object]:
        """Return the report as plain values for JSON."""
        return {
            **super().to_dict(),
            "delegates": self.lowered.delegates,
            "ops_outside": [op.to_dict() for op in self.lowered.ops_outside],
            "ops_total": self.lowered.ops_total,
            "delegated_share": self.lowered.delegated_share,
            "mixture": self.mixture.to_dict() if self.mixture else None,
            "methods": [method.to_dict() for method in self.methods],
        }


@dataclass(frozen=True, kw_only=True)
class PackageReport(Report):
    """Reports the compilation of a Core ML package; its parity is from the reference evaluator.

    Attributes:
        ios: the oldest iOS on which the package runs.
        operators: number of calls by type of operator.
        in_float32: operators that stay in float32 because float16 is not safe, with module and
            reason.
    """

    ios: int
    operators: dict[str, int]
    in_float32: tuple[dict[str, str], ...]

    @property
    def moves(self) -> int:
        """Return the number of transposes and reshapes, which only move data."""
        return sum(self.operators.get(name, 0) for name in MOVES)

    def to_dict(self) -> dict[str, object]:
        """Return the report as plain values for JSON."""
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
    """Holds the path of a written artifact, and its report."""

    path: Path
    report: CompileReport | PackageReport

"""Define the gate of a compilation, which compares each step with its reference."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import torch
from torch.fx import GraphModule

from hvit_edge.artifact.container import AnyGolden, Arrays
from hvit_edge.artifact.metadata import Difference, Metadata
from hvit_edge.cache.reuse import Reuse
from hvit_edge.compiler.subject import Subject
from hvit_edge.compiler.tensor_subject import TensorSubject
from hvit_edge.errors import ParityError
from hvit_edge.lowering import PassReport
from hvit_edge.measures.tolerance import Tolerance, step_tolerance
from hvit_edge.parity.fidelity import first_unfaithful
from hvit_edge.parity.forced_layers import forced_layers
from hvit_edge.parity.steps import EAGER, StepResult
from hvit_edge.quantize import Calibration
from hvit_edge.quantize.arithmetic import Arithmetic
from hvit_edge.quantize.calibration import CalibrationInput
from hvit_edge.targets.target import Quantized, Run, Sample, Values

REMEDIES = {
    "quantised": "; choose another precision or other calibration images",
    "fidelity": "; the lowering is wrong: report it with the model, and compile in fp32 meanwhile",
}


class QuantizedGraph(Protocol):
    """Holds a quantized graph, and the arithmetic of a program of it."""

    graph: GraphModule
    arithmetic: Arithmetic


class _Ran:
    """Holds the answer of a graph to a sample.

    Args:
        graph: the graph, which may be changed later.
        arrays, answer: the inputs and the outputs.
    """

    def __init__(self, graph: GraphModule, arrays: Arrays, answer: Arrays) -> None:
        self.graph, self.arrays, self.answer = graph, arrays, answer
        self._code, self._tensors = graph.code, _tensors(graph)
        self._versions = _versions(self._tensors)

    def was(self, graph: GraphModule, sample: Sample) -> bool:
        """Return True if this is the answer of `graph` as it is now, code and tensors."""
        now = _tensors(graph)
        return (
            graph is self.graph
            and sample.arrays is self.arrays
            and graph.code == self._code
            and len(now) == len(self._tensors)
            and all(new is old for new, old in zip(now, self._tensors, strict=True))
            and _versions(now) == self._versions
        )


def _tensors(graph: GraphModule) -> list[torch.Tensor]:
    return [*graph.parameters(), *graph.buffers()]


def _versions(tensors: list[torch.Tensor]) -> list[int]:
    """Return numbers that change with the values; tensors of inference mode have none."""
    return [0 if tensor.is_inference() else tensor._version for tensor in tensors]


@dataclass
class Gate(ABC):
    """Measures each step, and raises an error at the first one outside its tolerance.

    This is the common base of `PhotoGate`, `TensorGate` and `TaskGate`, which define the samples
    and the comparison.

    Attributes:
        subject: what is compiled.
        precision, rtol: see `compile`.
        reuse: results of earlier compilations.
        results: results of the steps so far.
        rewrites_left_out: the rewrites that failed and were left out.
        fallback: why stock ExecuTorch lowers the program without rewrites; empty if it does not.
    """

    subject: Subject | TensorSubject
    precision: str
    rtol: float | None
    reuse: Reuse = field(default_factory=Reuse)
    results: list[StepResult] = field(default_factory=list)
    rewrites_left_out: tuple[PassReport, ...] = ()
    fallback: str = ""
    _ran: _Ran | None = None  # the last graph that `fault` ran

    @property
    def parity(self) -> Difference:
        """Return the difference of the last step that was compared with eager PyTorch."""
        return next(r for r in reversed(self.results) if r.reference == EAGER).difference

    @property
    @abstractmethod
    def golden(self) -> AnyGolden:
        """Return the golden sample of the artifact."""

    @property
    def reported(self) -> dict[str, object]:
        """Return the fields of the report for the task."""
        return {}

    def complete(self, metadata: Metadata) -> Metadata:
        """Return `metadata` with the fields that only artifacts of this task have."""
        return metadata

    @abstractmethod
    def describe_input(self) -> str:
        """Return a sentence that describes the inputs of the artifact."""

    @abstractmethod
    def export(self) -> GraphModule:
        """Return the exported graph of the module."""

    @abstractmethod
    def layer_inputs(self, calibration: Calibration | None) -> list[CalibrationInput]:
        """Return the inputs on which the layers of a quantized graph are measured."""

    @property
    @abstractmethod
    def samples(self) -> list[Sample]:
        """Return the samples on which every step is measured."""

    def __call__(self, name: str, run: Run) -> None:
        """Compare a step with eager PyTorch."""
        outputs = [run(sample) for sample in self.samples]
        tolerance = step_tolerance(name, self.precision, self.rtol)
        self._keep(self._judged(name, outputs, tolerance, self.rtol))

    def check_graph(self, name: str, graph: GraphModule) -> None:
        """Run a graph in PyTorch, and compare it with the module.

        If `fault` ran the same graph on a sample, its answer is compared.
        """

        def run(sample: Sample) -> Arrays:
            if self._ran is not None and self._ran.was(graph, sample):
                return self._ran.answer
            return self._run_graph(graph, sample.arrays)

        self(name, run)
        self._ran = None

    def fault(self, graph: GraphModule) -> str:
        """Describe the difference of a rewritten graph from eager PyTorch if it is too large.

        An empty string means that the graph is within the tolerance. The result is not recorded,
        because a faulty rewrite can be left out. `rtol` is not used: a rewrite is not faulty
        because its rounding exceeds a stricter tolerance.
        """
        arrays = self.samples[0].arrays
        answer = self._run_graph(graph, arrays)
        self._ran = _Ran(graph, arrays, answer)
        tolerance = step_tolerance("rewritten", self.precision)
        result = self._judged("rewritten", [answer], tolerance, None)
        if result.passed:
            return ""
        wrong = next((one for one in result.outputs if not one.passed), None)
        name, found = ("the answer", result) if wrong is None else (wrong.name, wrong)
        return (
            f"it changes {name}: expected {found.tolerance}, got max_rel"
            f" {found.difference.max_rel:.3g}"
        )

    @abstractmethod
    def check_quantized(self, quantized: Quantized) -> None:
        """Compare a quantized graph with eager PyTorch."""

    @abstractmethod
    def check_fidelity(self, run: Run, values: Callable[[], Values]) -> None:
        """Compare a program with its quantized graph.

        Args:
            run: runs the program.
            values: returns the intermediate values of the program for the first sample.
        """

    def _check_layers(
        self, quantized: QuantizedGraph, known: Values, inputs: Arrays, outputs: Arrays
    ) -> float | None:
        """Compare each layer of a program with its quantized graph.

        Args:
            quantized: the graph.
            known: values that the program computes for `inputs`.
            inputs, outputs: inputs of the graph, and outputs of the program for them.

        Returns:
            The lowest SQNR of a layer in dB; None without known values.

        Raises:
            ParityError: a layer computes something other than the graph. The message names it.
        """
        if not known:
            return None
        given, answers = (tuple(map(torch.from_numpy, row)) for row in (inputs, outputs))
        layers = forced_layers(quantized.graph, known, given, answers, quantized.arithmetic)
        least = quantized.arithmetic.layer_db
        wrong = first_unfaithful(layers, least)
        if wrong is not None:
            raise ParityError(
                f"[compile] {self.subject.origin.name}: expected {wrong.layer} of the program to"
                f" compute what the quantized graph does, at {least:.0f} dB or more, got"
                f" {wrong.sqnr_db:.1f} dB; nothing was written{REMEDIES['fidelity']}"
            )
        return min((layer.sqnr_db for layer in layers), default=None)

    @abstractmethod
    def _run_graph(self, graph: GraphModule, arrays: Arrays) -> Arrays: ...

    @abstractmethod
    def _judged(
        self, name: str, outputs: Sequence[Arrays], tolerance: Tolerance, rtol: float | None
    ) -> StepResult:
        """Compare the outputs for the first samples with those of eager PyTorch."""

    @abstractmethod
    def _message(self, result: StepResult) -> str:
        """Return the error message for a step outside its tolerance."""

    def _keep(self, result: StepResult) -> None:
        self.results.append(result)
        if not result.passed:
            raise ParityError(self._message(result))

"""The gate of a compilation: each step is as near to its reference as its precision allows."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from torch.fx import GraphModule

from hvit_edge.artifact.container import Arrays, Golden, GoldenTensors
from hvit_edge.artifact.metadata import Difference, Metadata
from hvit_edge.errors import ParityError
from hvit_edge.lowering import PassReport
from hvit_edge.measures.tolerance import step_tolerance
from hvit_edge.parity.steps import EAGER, StepResult
from hvit_edge.quantize import Calibration
from hvit_edge.targets.target import Quantized, Run, Sample, Values

REMEDIES = {
    "quantised": "; choose another precision or other calibration images",
    "fidelity": "; the lowering is wrong: report it with the model, and compile in fp32 meanwhile",
}
Measured = Callable[[Arrays], Arrays]
"""A graph or a module, run by PyTorch."""


@dataclass
class Gate(ABC):
    """Measures each step, and stops at the first outside its tolerance.

    What a module of photos and one of arrays have in common; `PhotoGate` and `TensorGate` know what
    they are compared on, and how.

    Attributes:
        subject, precision, rtol: what is compiled, and how near it must be, see `compile`.
        results: of the steps so far.
        rewrites_left_out: the rewrites that failed, once the graph is rewritten without them.
        fallback: why the program is lowered as ExecuTorch does it; empty if it is not.
    """

    subject: object
    precision: str
    rtol: float | None
    results: list[StepResult] = field(default_factory=list)
    rewrites_left_out: tuple[PassReport, ...] = ()
    fallback: str = ""

    @property
    def parity(self) -> Difference:
        """How far the last step is from eager PyTorch."""
        return next(r for r in reversed(self.results) if r.reference == EAGER).difference

    @property
    @abstractmethod
    def golden(self) -> Golden | GoldenTensors:
        """The golden sample of the artifact."""

    @property
    def reported(self) -> dict[str, object]:
        """What the report says of the task."""
        return {}

    def complete(self, metadata: Metadata) -> Metadata:
        """Return metadata with what only artifacts of this task say of themselves."""
        return metadata

    @abstractmethod
    def describe_input(self) -> str:
        """Return a sentence that says what the artifact takes."""

    @abstractmethod
    def export(self) -> GraphModule:
        """Return the module as a graph."""

    @abstractmethod
    def layer_inputs(self, calibration: Calibration | None) -> list[np.ndarray | Arrays]:
        """Return the inputs that the layers of a quantized graph are measured on."""

    @property
    @abstractmethod
    def samples(self) -> list[Sample]:
        """The samples that every step is measured on."""

    def __call__(self, name: str, run: Run) -> None:
        """Compare a step with eager PyTorch."""
        outputs = [run(sample) for sample in self.samples]
        self._keep(self._judged(name, outputs, step_tolerance(name, self.precision, self.rtol)))

    def check_graph(self, name: str, graph: GraphModule) -> None:
        """Compare a graph, run by PyTorch, with the module."""
        self(name, lambda sample: self._run_graph(graph, sample.arrays))

    @abstractmethod
    def fault(self, graph: GraphModule) -> str:
        """Say how far a rewritten graph is from eager PyTorch if that is too far, nothing if not.

        Nothing is kept: a rewrite that is at fault can be left out. `rtol` does not count here: no
        rewrite is to blame for rounding that it forbids.
        """

    @abstractmethod
    def check_quantized(self, quantized: Quantized) -> None:
        """Compare a quantized graph with eager PyTorch."""

    @abstractmethod
    def check_fidelity(self, run: Run, values: Callable[[], Values]) -> None:
        """Compare a program with its quantized graph.

        Args:
            run: runs the program.
            values: what the program computes inside for the first sample.
        """

    @abstractmethod
    def _run_graph(self, graph: GraphModule, arrays: Arrays) -> Arrays: ...

    @abstractmethod
    def _judged(self, name: str, outputs: list[Arrays], tolerance: object) -> StepResult: ...

    @abstractmethod
    def _message(self, result: StepResult) -> str:
        """Return the error of a step outside its tolerance."""

    def _keep(self, result: StepResult) -> None:
        self.results.append(result)
        if not result.passed:
            raise ParityError(self._message(result))

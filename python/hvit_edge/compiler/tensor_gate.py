"""Check every output of each step of a tensor artifact, within the tolerance of its precision."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
from torch import nn
from torch.fx import GraphModule

from hvit_edge.artifact.container import AnyGolden, Arrays, GoldenTensors
from hvit_edge.artifact.metadata import TENSOR, TENSOR_SCHEMA_VERSION, Metadata
from hvit_edge.compiler.gate import REMEDIES, Gate
from hvit_edge.compiler.tensor_subject import TensorSubject
from hvit_edge.lowering import export_graph
from hvit_edge.measures.tolerance import (
    Tolerance,
    golden_tolerance,
    quantized_tolerance,
)
from hvit_edge.parity.judge_outputs import FREE_DB, judge_outputs, tolerances_of
from hvit_edge.parity.perturbation import Perturbed
from hvit_edge.parity.steps import QUANTIZED, StepResult
from hvit_edge.quantize import Calibration, sqnr
from hvit_edge.quantize.arithmetic import FLOAT16, FLOAT32, Arithmetic
from hvit_edge.quantize.calibration import CalibrationInput
from hvit_edge.quantize.half import HalfStorage
from hvit_edge.runtime import TensorSpec
from hvit_edge.targets.target import Quantized, Run, Sample, Values
from hvit_edge.tensors.eager import arrays_of, eager_outputs, tensors_of
from hvit_edge.tensors.tensor_module import without_wrapper

LAYER_SAMPLES = 16
"""Number of samples on which the layers are measured."""
DRAWS = 4
"""Number of runs with random errors of arithmetic, as an output of few values may not change."""
MOST_DB = {torch.float32: 110.0, torch.float16: 76.0}
"""Upper limit of required SQNR, because every output is rounded, even an input that is returned."""


def scatter_db(count: int) -> float:
    """Return how far apart the energies of two random errors of `count` values may be, in dB.

    The logarithm of their quotient has the variance 4 / count. Three standard deviations are
    allowed. Without any value it is 0.
    """
    return 3 * 10 * math.log10(math.e) * math.sqrt(4 / count) if count else 0.0


class TensorReference:
    """Holds a quantized graph and its answers.

    Args:
        graph: the graph that is lowered.
        arithmetic: arithmetic of the program.
        inputs: the inputs of the graph for each sample.
        precision: precision of the program.
    """

    def __init__(
        self,
        graph: GraphModule,
        arithmetic: Arithmetic,
        inputs: Sequence[Arrays],
        precision: str,
    ) -> None:
        self.graph, self.arithmetic = graph, arithmetic
        self.inputs, self.precision = inputs, precision

    @cached_property
    def outputs(self) -> list[Arrays]:
        """Return the answers of the graph; float16 is used for storage, not for arithmetic."""
        return self._answers(HalfStorage(self.graph))

    @property
    def tolerances(self) -> list[Tolerance]:
        """Return the tolerance of a program of this graph over all samples, by output."""
        return [
            Tolerance(same_top1=False, sqnr_db=least)
            if least > FREE_DB
            else Tolerance(max_rel=golden_tolerance(self.precision), same_top1=False)
            for least in self._least_db(slice(None), self.arithmetic.margin_db)
        ]

    def golden(self) -> tuple[Arrays, tuple[float, ...]]:
        """Return the answer to the golden sample, and the SQNR that any CPU's program reaches."""
        margin = (FLOAT32 if self.arithmetic is FLOAT32 else FLOAT16).margin_db
        return self.outputs[0], tuple(self._least_db(slice(1), margin))

    def _least_db(self, samples: slice, margin_db: float) -> list[float]:
        """Return the SQNR that each output of a program reaches, in dB.

        Runs with only errors of arithmetic are measured. A program may have more noise by a margin.
        """
        found = []
        for index, array in enumerate(self.outputs[0]):
            if array.dtype.kind != "f":
                found.append(FREE_DB)
                continue
            steady = np.stack([row[index] for row in self.outputs[samples]])
            moved = [np.stack([row[index] for row in rows[samples]]) for rows in self._perturbed]
            floor = min([MOST_DB[self.arithmetic.number], *(sqnr(steady, one) for one in moved)])
            count = int(np.any([one != steady for one in moved], axis=0).sum())
            found.append(floor - math.hypot(margin_db, scatter_db(count)))
        return found

    @cached_property
    def _perturbed(self) -> list[list[Arrays]]:
        run = Perturbed(self.graph, self.arithmetic.number)
        return [self._answers(run) for _ in range(DRAWS)]

    def _answers(self, interpreter: HalfStorage) -> list[Arrays]:
        with torch.inference_mode():
            return [
                arrays_of(tuple(interpreter.run(*tensors_of(arrays)))) for arrays in self.inputs
            ]


def output_specs(names: Sequence[str], arrays: Arrays) -> tuple[TensorSpec, ...]:
    """Return the name, dtype and shape of each array."""
    return tuple(
        TensorSpec(array.shape, array.dtype.name, name)
        for name, array in zip(names, arrays, strict=True)
    )


@dataclass
class TensorGate(Gate):
    """Measures each output of each step on every sample.

    Attributes:
        reference: the quantized graph with its answers; None until it is measured.
    """

    subject: TensorSubject
    reference: TensorReference | None = None

    @property
    def golden(self) -> AnyGolden:
        """Return the golden sample with the answers of the module and of the quantized graph."""
        first = GoldenTensors(self.subject.samples[0], self.subject.expected[0])
        if self.reference is None:
            return first
        graph, least = self.reference.golden()
        return replace(first, graph=graph, least_sqnr_db=least)

    @property
    def samples(self) -> list[Sample]:
        """Return all samples of the subject."""
        return [Sample(arrays) for arrays in self.subject.samples]

    @property
    def reported(self) -> dict[str, object]:
        """Return the fields of the report for the task."""
        subject = self.subject
        return {
            "task": TENSOR,
            "inputs": output_specs(subject.input_names, subject.samples[0]),
            "outputs": output_specs(subject.output_names, subject.expected[0]),
            "sample_source": subject.source,
        }

    def complete(self, metadata: Metadata) -> Metadata:
        """Return `metadata` with the fields that only tensor artifacts have."""
        return replace(
            metadata,
            schema_version=TENSOR_SCHEMA_VERSION,
            task=TENSOR,
            input_names=self.subject.input_names,
            output_names=self.subject.output_names,
            sample_source=self.subject.source,
        )

    def describe_input(self) -> str:
        """Return a sentence that describes the inputs of the artifact."""
        return "Takes and gives arrays."

    def export(self) -> GraphModule:
        """Return the exported graph of the module without the wrapper."""

        def export(function: nn.Module, example: tuple[torch.Tensor, ...]) -> GraphModule:
            graph = export_graph(function, example, owner=self.subject.module)
            return without_wrapper(graph)

        return self.reuse.exported(self.subject.function, self.subject.example, export)

    def layer_inputs(self, calibration: Calibration | None) -> list[CalibrationInput]:
        """Return calibration samples, or those of the subject."""
        samples = calibration.inputs if calibration else self.subject.samples
        return list(samples[:LAYER_SAMPLES])

    def check_quantized(self, quantized: Quantized) -> None:
        """Compare a quantized graph with eager PyTorch."""
        inputs = [quantized.given(sample) for sample in self.samples]
        given = (quantized.graph, quantized.arithmetic, inputs, self.precision)
        self.reference = TensorReference(*given)
        tolerance = quantized_tolerance(self.precision, self.rtol)
        self._keep(self._judged("quantised", self.reference.outputs, tolerance, self.rtol))

    def check_fidelity(self, run: Run, values: Callable[[], Values]) -> None:
        """Compare a program with its quantized graph: layer by layer, then output by output."""
        reference = self.reference
        if reference is None:
            raise ValueError("expected check_quantized before check_fidelity")
        outputs = [run(sample) for sample in self.samples]
        least_db = self._check_layers(reference, values(), reference.inputs[0], outputs[0])
        result = judge_outputs(
            "fidelity",
            self.subject.output_names,
            outputs,
            reference.outputs,
            reference.tolerances,
            QUANTIZED,
        )
        self._keep(replace(result, layer_db=least_db))

    def _run_graph(self, graph: GraphModule, arrays: Arrays) -> Arrays:
        return eager_outputs(graph, arrays)

    def _judged(
        self, name: str, outputs: Sequence[Arrays], tolerance: Tolerance, rtol: float | None
    ) -> StepResult:
        expected = self.subject.expected[: len(outputs)]
        tolerances = tolerances_of(tolerance, expected[0], self.precision, rtol)
        return judge_outputs(name, self.subject.output_names, outputs, expected, tolerances)

    def _message(self, result: StepResult) -> str:
        listed = "; ".join(
            f"{one.name}: expected {one.tolerance}, got max_rel {one.difference.max_rel:.3g}"
            f" (max_abs {one.difference.max_abs:.3g}, cosine {one.difference.cosine:.6f},"
            f" SQNR {one.sqnr_db:.1f} dB)"
            for one in result.outputs
            if not one.passed
        )
        return (
            f"[compile] {self.subject.origin.name}: expected the {result.name} program to give the"
            f" outputs of {result.reference}, got {listed}; nothing was written"
            f"{REMEDIES.get(result.name, '') or _remedy(self.subject.module, result.name)}"
        )


def _remedy(module: nn.Module, step: str) -> str:
    """Return a remedy for a module whose exported graph has other outputs, or nothing."""
    nested = (
        name
        for name, child in module.named_modules()
        if isinstance(child, nn.TransformerEncoder) and child.enable_nested_tensor
    )
    name = next(nested, None)
    if step != "exported" or name is None:
        return ""
    return (
        f"; {name or 'the module'} (TransformerEncoder) writes zeros to padded positions only in"
        " eager mode: build it with enable_nested_tensor=False"
    )

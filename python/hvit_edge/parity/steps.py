"""Define the steps from eager PyTorch to the device as functions from an input to logits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from torch.fx import GraphModule

from hvit_edge.artifact.metadata import Difference
from hvit_edge.measures.difference import clear_top1, compare, worst
from hvit_edge.measures.tolerance import Tolerance
from hvit_edge.quantize import sqnr

Step = Callable[[np.ndarray], np.ndarray]
"""Maps float32 [1, 3, height, width], preprocessed, to float32 [1, classes].

The network gets a copy of the input, so it may write to it."""


def pytorch_step(module: nn.Module) -> Step:
    """Return a step that runs a module or a graph in eager PyTorch."""

    def run(array: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            return module(torch.tensor(array)).numpy()

    return run


def quantised_step(graph: GraphModule) -> Step:
    """Return a step that runs a graph of `quantize` in eager PyTorch.

    It stores values in float16 where the graph does, but computes in float32.
    """
    from hvit_edge.quantize.half import HalfStorage

    def run(array: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            return HalfStorage(graph).run(torch.tensor(array)).numpy()

    return run


EAGER = "eager PyTorch"
QUANTIZED = "the quantized graph"


@dataclass(frozen=True)
class OutputResult:
    """Compares one output of a step with its reference over all samples.

    Attributes:
        name: name of the output.
        difference: the worst value of each measure over the samples.
        sqnr_db: signal-to-noise ratio over all samples in dB.
        tolerance: the tolerance.
        passed: True if the difference is within the tolerance.
    """

    name: str
    difference: Difference
    sqnr_db: float
    tolerance: Tolerance
    passed: bool

    def to_dict(self) -> dict[str, object]:
        """Return the result as plain values for JSON."""
        measured = {
            name: value for name, value in self.difference.to_dict().items() if name != "top1_agree"
        }
        return {
            "name": self.name,
            **measured,
            "sqnr_db": self.sqnr_db,
            "tolerance": str(self.tolerance),
            "passed": self.passed,
        }


@dataclass(frozen=True)
class StepResult:
    """Compares one step with its reference over all images.

    Attributes:
        name: "exported", "rewritten", "quantised", "lowered" or "runtime"; for a package the last
            is "evaluated" or "predicted". "fidelity" compares the program with its own graph.
        difference: the worst value of each measure over the images.
        top1_agreement: share of images with the same top class, 0 to 1.
        tolerance: the tolerance.
        passed: True if all images are within the tolerance.
        sqnr_db: signal-to-noise ratio over all images in dB.
        reference: name of the reference: `EAGER`, or `QUANTIZED`, which PyTorch runs.
        layer_db: for "fidelity", the lowest SQNR of a layer on the program's own values; None if
            the target does not give the values of layers.
        outputs: results of each output, for the task "tensor"; otherwise empty.
    """

    name: str
    difference: Difference
    top1_agreement: float
    tolerance: Tolerance
    passed: bool
    sqnr_db: float
    reference: str = EAGER
    layer_db: float | None = None
    outputs: tuple[OutputResult, ...] = ()

    def to_dict(self) -> dict[str, object]:
        """Return the result as plain values for JSON; `top1_agree` is the share."""
        return {
            "name": self.name,
            **self.difference.to_dict(),
            "top1_agree": self.top1_agreement,
            "sqnr_db": self.sqnr_db,
            "reference": self.reference,
            "layer_db": self.layer_db,
            "tolerance": str(self.tolerance),
            "passed": self.passed,
            **({"outputs": [one.to_dict() for one in self.outputs]} if self.outputs else {}),
        }


def measure(
    name: str,
    step: Step,
    inputs: Sequence[np.ndarray],
    expected: Sequence[np.ndarray],
    tolerance: Tolerance,
) -> StepResult:
    """Run one step on every input, and compare with the expected outputs."""
    return judge(name, [step(array) for array in inputs], expected, tolerance)


def judge(
    name: str,
    outputs: Sequence[np.ndarray],
    expected: Sequence[np.ndarray],
    tolerance: Tolerance,
    reference: str = EAGER,
) -> StepResult:
    """Compare the outputs of one step for every image with the expected ones."""
    differences = [compare(e, o) for e, o in zip(expected, outputs, strict=True)]
    noise = sqnr(np.concatenate(expected), np.concatenate(outputs))
    clear = clear_top1(expected, outputs)
    return StepResult(
        name=name,
        difference=worst(differences),
        top1_agreement=sum(d.top1_agree for d in differences) / len(differences),
        tolerance=tolerance,
        passed=all(map(tolerance.within, differences))
        and tolerance.within_over_images(noise, clear),
        sqnr_db=noise,
        reference=reference,
    )

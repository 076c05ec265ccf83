"""The interface of a target: from a rewritten graph to a program, and what the program computes.

    passes -> prepare -> lower -> run

`compiler.pipeline` walks from a module to an artifact through one of these objects, and
`parity.validate` walks back from an artifact to the module through the same one.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Generic, TypeVar

import numpy as np
import torch
from torch.fx import GraphModule, Node

from hvit_edge.artifact.container import Arrays
from hvit_edge.lowering import Rewrite
from hvit_edge.precision import COMPUTE_UNITS, CPUS, IOS
from hvit_edge.progress import Wrap, silent
from hvit_edge.quantize import Calibration
from hvit_edge.quantize.arithmetic import Arithmetic

if TYPE_CHECKING:
    from hvit_edge.preprocess import Preprocess

Values = Mapping[str, torch.Tensor]
"""The tensors that a program computes, by the name of the graph's node and in its shape."""
Program = TypeVar("Program")


@dataclass(frozen=True)
class Sample:
    """One input of a module.

    Attributes:
        arrays: what the module takes; of a photo float32 [1, 3, H, W].
        pixels: of a photo the same before it is normalized, uint8 [H, W, 3].
    """

    arrays: Arrays
    pixels: np.ndarray | None = None

    @property
    def tensors(self) -> tuple[torch.Tensor, ...]:
        """The arrays as tensors of their own memory."""
        return tuple(torch.tensor(array) for array in self.arrays)


Run = Callable[[Sample], Arrays]
"""Runs a program, and returns one array for each output."""


def photo_sample(preprocess: Preprocess, image: np.ndarray) -> Sample:
    """Return a photo as a sample; `image` is uint8 [height, width, 3] of any size."""
    pixels = preprocess.resize_and_crop(image)
    return Sample((preprocess.normalise(pixels),), pixels)


@dataclass(frozen=True)
class Job:
    """What a target needs to know to make a program of a graph.

    Attributes:
        name: of the model, for messages.
        precision, cpu, ios, compute_units: see `compile`.
        samples: inputs of the module; the first fixes shapes and dtypes.
        outputs: the module's answer to the first sample.
        names: of the inputs and of the outputs.
        preprocess, labels: of a module that classifies photos; None and nothing of any other.
        whole: everything must run in the delegate.
        plainly: lower as ExecuTorch does by default, without patches of ours.
        calibration: images or samples that the user gave.
        default_calibration: returns as many windows of the bundled photos as it is told to; None if
            the module does not take photos.
        keep_sensitive: layers that int8 harms too much may stay float.
        mix: of precision "auto": from a float graph and a calibration to a graph of mixed
            precisions.
        progress: wraps the loops over the calibration.
        tell: is called with a word for each step that begins.
    """

    name: str
    precision: str
    samples: Sequence[Sample]
    outputs: Arrays = ()
    names: tuple[tuple[str, ...], tuple[str, ...]] = ((), ())
    preprocess: Preprocess | None = None
    labels: tuple[str, ...] = ()
    cpu: str = CPUS[0]
    ios: int = IOS[0]
    compute_units: str = COMPUTE_UNITS[0]
    whole: bool = True
    plainly: bool = False
    calibration: Calibration | None = None
    default_calibration: Callable[[int], Calibration] | None = None
    keep_sensitive: bool = False
    mix: Callable[[GraphModule, Calibration], GraphModule] | None = None
    progress: Wrap = silent
    tell: Callable[[str], None] = field(default=lambda step: None)

    @property
    def example(self) -> tuple[torch.Tensor, ...]:
        """The first sample as tensors."""
        return self.samples[0].tensors

    def calibrated(self, windows: int = 64) -> Calibration | None:
        """Return what was given to calibrate on, or windows of the bundled photos."""
        if self.calibration is not None or self.default_calibration is None:
            return self.calibration
        return self.default_calibration(windows)

    def plain(self) -> Job:
        """Return the same job for ExecuTorch's own lowering."""
        return replace(self, plainly=True)


@dataclass(frozen=True)
class Quantized:
    """A graph of lower precision that a program must agree with.

    Attributes:
        graph: is run by PyTorch.
        arithmetic: of the program.
        given: what the graph takes for a sample.
    """

    graph: GraphModule
    arithmetic: Arithmetic
    given: Callable[[Sample], Arrays] = lambda sample: sample.arrays


@dataclass(frozen=True)
class Prepared:
    """A graph in the precision asked for, ready to be lowered.

    Attributes:
        graph: it.
        quantized: the same with the arithmetic of its program; None in float32, or if only the
            program says what it stores.
        reference: the float graph whose layers were quantized, for their records; None if the
            precision of no layer was chosen.
        calibration: what the report says of the calibration; None is what the job has.
    """

    graph: GraphModule
    quantized: Quantized | None = None
    reference: GraphModule | None = None
    calibration: Calibration | None = None


class Target(ABC, Generic[Program]):
    """Makes programs of one kind.

    Attributes:
        name: as in `compile(target=...)`.
        step: the name of the step that compares a program with PyTorch; empty if programs of this
            target do not run on this machine.
        packages: whose versions an artifact records.
        falls_back: a module whose program fails is lowered once more, without our rewrites.
        takes_pixels: a program that classifies photos takes the pixels and normalizes them itself.
    """

    name: str
    step: str
    packages: tuple[str, ...]
    falls_back = False
    takes_pixels = False

    @abstractmethod
    def passes(self, precision: str, cpu: str) -> Sequence[Rewrite]:
        """Return the rewrites of a program."""

    def prepare(self, graph: GraphModule, job: Job) -> Prepared:
        """Return a rewritten graph in the precision that `job` asks for."""
        return Prepared(graph)

    @abstractmethod
    def lower(self, prepared: Prepared, job: Job) -> Program:
        """Make the program.

        Raises:
            LoweringError: the graph has an operator that the target does not take.
        """

    def stored(self, prepared: Prepared, program: Program, job: Job) -> Quantized | None:
        """Return the graph that a program stores, if that is known of the program alone."""
        return None

    def run(self, program: Program, job: Job) -> Run:
        """Return a function that runs the program on this machine."""
        raise NotImplementedError(f"programs for {self.name} do not run here")

    def values(self, prepared: Prepared, program: Program, job: Job) -> Values:
        """Return what a program computes inside for the first sample, as much as it tells."""
        return {}

    def node_values(
        self, graph: GraphModule, nodes: Sequence[Node], inputs: tuple[torch.Tensor, ...]
    ) -> Values:
        """Return what a lowered float graph computes at `nodes`; the graph is changed for that."""
        raise NotImplementedError(f"programs for {self.name} have no values at nodes")

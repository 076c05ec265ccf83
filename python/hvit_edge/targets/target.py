"""Define the interface of a target, which turns a rewritten graph into a program.

    passes -> prepare -> lower -> run

`compiler.pipeline` calls a target to compile a module. `parity.validate` calls the same target to
check an artifact.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import numpy as np
import torch
from torch.fx import GraphModule, Node

from hvit_edge.artifact.container import Arrays
from hvit_edge.artifact.metadata import Metadata
from hvit_edge.artifact.methods import batch_of
from hvit_edge.cache.reuse import Reuse
from hvit_edge.errors import InputError
from hvit_edge.lowering import Rewrite
from hvit_edge.lowering.pipeline import applied_passes
from hvit_edge.precision import COMPUTE_UNITS, CPUS, IOS
from hvit_edge.progress import Wrap, silent
from hvit_edge.quantize import Calibration
from hvit_edge.quantize.arithmetic import Arithmetic
from hvit_edge.tasks import Classify, Task

if TYPE_CHECKING:
    from hvit_edge.preprocess import Preprocess

Values = Mapping[str, torch.Tensor]
"""Tensors that a program computes, by the name of the graph's node and in its shape."""
Program = TypeVar("Program")


@dataclass(frozen=True)
class Sample:
    """Holds the inputs of one call of a module.

    Attributes:
        arrays: one array for each input; for a photo, float32 [1, 3, H, W].
        pixels: the same photo before normalization, uint8 [H, W, 3]; None if it is not a photo.
    """

    arrays: Arrays
    pixels: np.ndarray | None = None

    @property
    def photo(self) -> np.ndarray:
        """Return the pixels of a photo.

        Raises:
            ValueError: the sample is not a photo.
        """
        if self.pixels is None:
            raise ValueError("expected the sample of a photo, got one of arrays")
        return self.pixels

    @property
    def tensors(self) -> tuple[torch.Tensor, ...]:
        """Return the arrays as tensors with their own memory."""
        return tuple(torch.tensor(array) for array in self.arrays)


Run = Callable[[Sample], Arrays]
"""Runs a program, and returns one array for each output."""


def photo_sample(preprocess: Preprocess, image: np.ndarray, batch: int = 1) -> Sample:
    """Resize and normalize a photo, uint8 [height, width, 3] of any size.

    With a `batch` above 1, the input has that number of photos, see `methods.batch_of`.
    """
    pixels = preprocess.resize_and_crop(image)
    return Sample((batch_of(preprocess.normalise(pixels), batch),), pixels)


@dataclass(frozen=True)
class Job:
    """Holds the options and data that a target needs to make a program.

    Attributes:
        name: name of the model, for messages.
        precision, cpu, ios, compute_units: see `compile`.
        samples: inputs of the module; the first one defines the shapes and dtypes.
        outputs: outputs of the module for the first sample.
        names: names of the inputs and of the outputs.
        preprocess: preprocessing of photos; None for a module of the task "tensor".
        labels: class names; empty without any.
        task: what a module with `preprocess` computes from a photo.
        whole: True if all operators must run in the delegate.
        plainly: True to lower as stock ExecuTorch does, without patches of hvit-edge.
        calibration: images or samples from the user.
        default_calibration: returns the given number of windows of the bundled photos; None if the
            module does not take photos.
        keep_sensitive: True if layers may stay float when int8 adds too much noise to them.
        mix: for precision "auto", turns a float graph and a calibration into a graph of mixed
            precision.
        pool: what the methods of one artifact share, see `Target.new_pool`; None for an artifact of
            one method.
        reuse: results of earlier compilations.
        progress: wraps the loops over the calibration.
        tell: called with the name of each step that begins.
    """

    name: str
    precision: str
    samples: Sequence[Sample]
    outputs: Arrays = ()
    names: tuple[tuple[str, ...], tuple[str, ...]] = ((), ())
    preprocess: Preprocess | None = None
    labels: tuple[str, ...] = ()
    task: Task = field(default_factory=Classify)
    cpu: str = CPUS[0]
    ios: int = IOS[0]
    compute_units: str = COMPUTE_UNITS[0]
    whole: bool = True
    plainly: bool = False
    calibration: Calibration | None = None
    default_calibration: Callable[[int], Calibration] | None = None
    keep_sensitive: bool = False
    mix: Callable[[GraphModule, Calibration], GraphModule] | None = None
    pool: Any = None
    reuse: Reuse = field(default_factory=Reuse)
    progress: Wrap = silent
    tell: Callable[[str], None] = field(default=lambda step: None)

    @property
    def example(self) -> tuple[torch.Tensor, ...]:
        """Return the first sample as tensors."""
        return self.samples[0].tensors

    def calibrated(self, windows: int = 64) -> Calibration | None:
        """Return the calibration of the user, or windows of the bundled photos."""
        if self.calibration is not None or self.default_calibration is None:
            return self.calibration
        return self.default_calibration(windows)

    def needed_calibration(self, windows: int = 64) -> Calibration:
        """Return what `calibrated` returns.

        Raises:
            InputError: the user gave no calibration, and the module does not take photos.
        """
        found = self.calibrated(windows)
        if found is None:
            raise InputError(
                f"[compile] calibration data: expected samples with {self.precision}, got none;"
                " pass --calib-data FILE.npz (calib_data=FILE)"
            )
        return found

    def plain(self) -> Job:
        """Return the same job for the lowering of stock ExecuTorch."""
        return replace(self, plainly=True)


@dataclass(frozen=True)
class Quantized:
    """Holds a graph of lower precision with which a program must agree.

    Attributes:
        graph: the graph, which PyTorch runs.
        arithmetic: arithmetic of the program.
        given: returns the inputs of the graph for a sample.
    """

    graph: GraphModule
    arithmetic: Arithmetic
    given: Callable[[Sample], Arrays] = lambda sample: sample.arrays


@dataclass(frozen=True)
class Prepared:
    """Holds a graph in the requested precision, ready to be lowered.

    Attributes:
        graph: the graph.
        quantized: the graph with the arithmetic of its program; None for float32, and for targets
            that quantize while they lower.
        reference: the float graph whose layers were quantized; None if no layer was.
        calibration: calibration for the report; None means that of the job.
    """

    graph: GraphModule
    quantized: Quantized | None = None
    reference: GraphModule | None = None
    calibration: Calibration | None = None


class Target(ABC, Generic[Program]):
    """Makes programs of one kind.

    Attributes:
        name: name in `compile(target=...)`.
        step: name of the step that compares a program with PyTorch; empty if programs of this
            target do not run on this machine.
        packages: packages whose versions an artifact records.
        falls_back: True if a module whose program fails is lowered again without rewrites.
        takes_pixels: True if programs take the pixels of photos and normalize them.
    """

    name: str
    step: str
    packages: tuple[str, ...]
    falls_back = False
    takes_pixels = False

    @abstractmethod
    def passes(self, precision: str, cpu: str) -> Sequence[Rewrite]:
        """Return the rewrites of a program."""

    def applied(self, metadata: Metadata) -> tuple[Rewrite, ...]:
        """Return the rewrites with which an artifact was made."""
        passes = self.passes(metadata.precision, metadata.cpu)
        return applied_passes(passes, metadata.rewrites_left_out, metadata.fallback)

    def prepare(self, graph: GraphModule, job: Job) -> Prepared:
        """Return a rewritten graph in the precision of `job`."""
        return Prepared(graph)

    @abstractmethod
    def lower(self, prepared: Prepared, job: Job) -> Program:
        """Make the program.

        Raises:
            LoweringError: the graph has an operator that the target does not take.
        """

    def stored(self, prepared: Prepared, program: Program, job: Job) -> Quantized | None:
        """Return the graph that a program stores; None if `prepare` returned it already."""
        return None

    def new_pool(self) -> Any:
        """Return what the jobs of all methods of one artifact share; None for nothing."""
        return None

    def serialize(
        self, programs: Mapping[str, Program], constant_methods: Mapping[str, object]
    ) -> bytes:
        """Return the bytes of one program with several methods, which share their weights.

        Args:
            programs: the program of each method.
            constant_methods: metadata and golden samples, see `container.constant_methods_of`.
        """
        raise NotImplementedError(f"programs for {self.name} have one method")

    def run(self, program: Program, job: Job) -> Run:
        """Return a function that runs the program on this machine."""
        raise NotImplementedError(f"programs for {self.name} do not run here")

    def values(self, prepared: Prepared, program: Program, job: Job) -> Values:
        """Return intermediate values of a program for the first sample, as far as available."""
        return {}

    def node_values(
        self, graph: GraphModule, nodes: Sequence[Node], inputs: tuple[torch.Tensor, ...]
    ) -> Values:
        """Return the values of a lowered float graph at `nodes`; `graph` is changed."""
        raise NotImplementedError(f"programs for {self.name} have no values at nodes")

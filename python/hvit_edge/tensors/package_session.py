"""Run a Core ML package of arrays: in Core ML on a Mac, in the evaluator on other systems."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch

from hvit_edge.artifact.container import Arrays
from hvit_edge.artifact.metadata import TENSOR
from hvit_edge.coreml.metadata import read_metadata
from hvit_edge.coreml.open_program import CORE_ML, EVALUATOR, can_predict
from hvit_edge.coreml.package import read_package
from hvit_edge.coreml.program import load_program
from hvit_edge.coreml.toolkit import toolkit
from hvit_edge.errors import ArtifactError, InputError
from hvit_edge.measures.difference import compare_output, worst
from hvit_edge.runtime import SelfTest, TensorSpec
from hvit_edge.targets.coreml.feature_names import feature_names, stored


class PackageSession:
    """Runs a package on arrays, like `runtime.Session`; calls from several threads take turns.

    Args:
        path: an `.mlpackage` written by `hvit_edge.compile` with `inputs`.
        threads: number of threads of the reference evaluator, set for the complete process; 0
            keeps the number of torch.

    Attributes:
        metadata: metadata of the package.
        golden: its golden sample.
        inputs, outputs: a TensorSpec for each, with the dtypes of the module; Core ML uses float32
            and int32.
        backend: what runs the program, "Core ML" or "reference evaluator".

    Raises:
        ArtifactError: the package is damaged, too new, or not of the task "tensor".
        InputError: coremltools is missing.
    """

    def __init__(self, path: str | Path, *, threads: int = 0) -> None:
        package = read_package(path)
        self.metadata, self.golden = read_metadata(package.metadata)
        if self.metadata.task != TENSOR:
            raise ArtifactError(
                f"[PackageSession] expected a package of the task {TENSOR}, got one of the task"
                f" {self.metadata.task}: {path}; use `hvit-edge run`, which classifies photos"
            )
        self.inputs = _specs(self.metadata.input_names, self.golden.inputs)
        self.outputs = _specs(self.metadata.output_names, self.golden.outputs)
        names = feature_names(self.metadata.input_names, self.metadata.output_names)
        self._names = names
        described = [tuple(f.name for f in side) for side in (package.inputs, package.outputs)]
        if (set(described[0]), set(described[1])) != (set(names[0]), set(names[1])):
            raise ArtifactError(
                f"[PackageSession] expected the arrays {', '.join((*names[0], *names[1]))}, got"
                f" {', '.join((*described[0], *described[1]))}; compile the model again"
            )
        self._lock = threading.Lock()
        if threads:
            torch.set_num_threads(threads)
        if can_predict():
            model = toolkit().models.MLModel(str(package.path))
            self.backend, self._run = CORE_ML, model.predict
        else:
            self.backend, self._run = EVALUATOR, load_program(package.path).run

    def __call__(self, *arrays: np.ndarray) -> list[np.ndarray]:
        """Run the program once; see `runtime.Session`.

        Raises:
            InputError: the number of arrays, a shape or a dtype is wrong.
        """
        faults = [
            f"{spec.name}: expected {spec.dtype} {list(spec.shape)}, got {_described(array)}"
            for spec, array in zip(self.inputs, arrays, strict=False)
            if _described(array) != f"{spec.dtype} {list(spec.shape)}"
        ]
        if len(arrays) != len(self.inputs):
            faults.insert(0, f"expected {len(self.inputs)} arrays, got {len(arrays)}")
        if faults:
            raise InputError(
                f"[PackageSession] inputs: {'; '.join(faults)}; convert the arrays, or compile the"
                " model with inputs of this shape and dtype"
            )
        with self._lock:
            found = self._run(dict(zip(self._names[0], map(stored, arrays), strict=True)))
        dtypes = (spec.dtype for spec in self.outputs)
        ordered = (np.asarray(found[name]) for name in self._names[1])
        return [array.astype(dtype) for array, dtype in zip(ordered, dtypes, strict=True)]

    def run(self, arrays: list | tuple | Mapping) -> list[np.ndarray] | dict[str, np.ndarray]:
        """Run the program once on a list of arrays, or on arrays by name; see `runtime.Session`."""
        if not isinstance(arrays, Mapping):
            return self(*arrays)
        names = [spec.name for spec in self.inputs]
        if set(arrays) != set(names):
            raise InputError(
                f"[PackageSession] expected the inputs {', '.join(names)}, got"
                f" {', '.join(map(str, arrays))}; give one array for each"
            )
        found = self(*(arrays[name] for name in names))
        return {spec.name: array for spec, array in zip(self.outputs, found, strict=True)}

    def self_test(self) -> SelfTest:
        """Run the golden sample, and compare with the golden outputs; see `runtime.Session`."""
        found = self(*self.golden.inputs)
        each = [compare_output(e, o) for e, o in zip(self.golden.outputs, found, strict=True)]
        difference = worst(each)
        return SelfTest(
            passed=difference.max_rel <= self.metadata.golden_tolerance,
            max_abs=difference.max_abs,
            max_rel=difference.max_rel,
            top1_agree=True,
        )


def _described(array: object) -> str:
    if not isinstance(array, np.ndarray):
        return type(array).__name__
    return f"{array.dtype.name} {list(array.shape)}"


def _specs(names: tuple[str, ...], arrays: Arrays) -> tuple[TensorSpec, ...]:
    return tuple(
        TensorSpec(array.shape, array.dtype.name, name)
        for name, array in zip(names, arrays, strict=True)
    )

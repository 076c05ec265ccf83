"""Run a tensor artifact on a device, with the interface of `runtime.Session`. Imports no torch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from hvit_edge.artifact.metadata import TENSOR
from hvit_edge.devices.runner import Runner
from hvit_edge.errors import ArtifactError
from hvit_edge.runtime import SelfTest, Session


class DeviceSession:
    """Sends arrays to a device, and runs the artifact there.

    Args:
        path: a `.pte` of the task "tensor".
        runner: the runner on the device.
        threads: number of threads; 0 lets the device choose.

    Attributes:
        metadata, inputs, outputs: those of `runtime.Session`.
        backend: name of the runtime and device, such as "C++ runtime on qemu:cortex-a76".

    Raises:
        InputError: there is no such file.
        ArtifactError: the artifact is damaged, too new, or not of the task "tensor".
    """

    def __init__(self, path: str | Path, runner: Runner, *, threads: int = 0) -> None:
        described = Session(path, prepare=False)
        if described.metadata.task != TENSOR:
            raise ArtifactError(
                f"[device] expected an artifact of the task {TENSOR}, got one of the task"
                f" {described.metadata.task}: {path}; use DeviceClassifier"
            )
        self.metadata, self.inputs = described.metadata, described.inputs
        self.outputs = described.outputs
        self.backend = f"C++ runtime on {runner.device.name}"
        self._path, self._runner, self._threads = Path(path), runner, threads

    def __call__(self, *arrays: np.ndarray) -> list[np.ndarray]:
        """Run the artifact once on arrays of the shapes and dtypes of `inputs`."""
        return list(self.run_all([arrays])[0])

    def run_all(self, samples: Sequence[Sequence[np.ndarray]]) -> list[tuple[np.ndarray, ...]]:
        """Return all outputs for each sample; the samples are sent together and run singly."""
        return self._runner.run_arrays(self._path, samples, threads=self._threads)

    def self_test(self) -> SelfTest:
        """Run the golden sample on the device, and compare with the golden outputs."""
        return SelfTest(**self._runner.self_test(self._path, threads=self._threads))

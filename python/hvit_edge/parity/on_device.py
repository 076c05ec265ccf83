"""Measure an artifact on a device, against PyTorch and against this machine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from hvit_edge.devices import Runner
from hvit_edge.measures.tolerance import Tolerance
from hvit_edge.parity.report import DeviceParity
from hvit_edge.parity.steps import StepResult, judge
from hvit_edge.progress import Count, uncounted


def measure_on_device(
    runner: Runner,
    artifact: Path,
    inputs: Sequence[np.ndarray],
    here: Sequence[np.ndarray],
    expected: Sequence[np.ndarray],
    tolerance: Tolerance,
    *,
    threads: int = 0,
    progress: Count = uncounted,
) -> tuple[StepResult, DeviceParity, list[np.ndarray]]:
    """Run `artifact` on a device.

    Args:
        runner: the runner on the device.
        artifact: the artifact.
        inputs: preprocessed photos, float32 [1, 3, height, width] each.
        here: outputs of the runtime on this machine for them.
        expected: outputs of eager PyTorch for them.
        tolerance: tolerance between the device and PyTorch for every photo.
        threads: number of threads; 0 lets the device choose.
        progress: called after every photo.

    Returns:
        The step "device", which passes only if the top classes also agree with this machine; the
        comparison with this machine; and the outputs of the device.
    """
    outputs = runner.run(artifact, inputs, threads=threads, count=progress)
    against_host = judge("host", outputs, here, Tolerance(same_top1=True))
    step = judge("device", outputs, expected, tolerance)
    parity = DeviceParity(
        runner.device.name, runner.facts(), against_host.difference, against_host.top1_agreement
    )
    return replace(step, passed=step.passed and against_host.passed), parity, outputs

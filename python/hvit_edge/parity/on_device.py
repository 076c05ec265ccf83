"""Measure an artifact on a device, against PyTorch and against this machine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from hvit_edge.artifact.container import Arrays
from hvit_edge.devices import Runner
from hvit_edge.measures.tolerance import Tolerance
from hvit_edge.parity.judge_outputs import judge_outputs
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


def measure_arrays_on_device(
    runner: Runner,
    artifact: Path,
    samples: Sequence[Arrays],
    here: Sequence[Arrays],
    judged: Callable[[str, Sequence[Arrays]], StepResult],
    names: Sequence[str],
    *,
    threads: int = 0,
    progress: Count = uncounted,
) -> tuple[StepResult, DeviceParity, list[Arrays]]:
    """Run an artifact of arrays on a device.

    Args:
        runner, artifact, threads, progress: see `measure_on_device`.
        samples: the inputs of each run.
        here: outputs of the runtime on this machine for them.
        judged: compares the outputs of a step with eager PyTorch.
        names: names of the outputs.

    Returns:
        The step "device", the comparison with this machine, and the outputs of the device.
    """
    outputs = runner.run_arrays(artifact, samples, threads=threads, count=progress)
    free = [Tolerance(same_top1=False)] * len(names)
    against_host = judge_outputs("host", names, outputs, here, free)
    parity = DeviceParity(runner.device.name, runner.facts(), against_host.difference, 1.0)
    return judged("device", outputs), parity, outputs

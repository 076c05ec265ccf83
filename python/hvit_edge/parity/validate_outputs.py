"""Compare every output of an artifact with eager PyTorch, for samples of any kind."""

from __future__ import annotations

from collections.abc import Sequence

from hvit_edge.artifact.container import Arrays
from hvit_edge.devices import Runner
from hvit_edge.measures.tolerance import step_tolerance
from hvit_edge.parity.judge_outputs import judge_outputs, tolerances_of, without_classes
from hvit_edge.parity.locate_break import locate_break
from hvit_edge.parity.on_device import measure_arrays_on_device
from hvit_edge.parity.opened import Opened
from hvit_edge.parity.output_steps import fidelity_steps, float_steps, output_noise
from hvit_edge.parity.report import ParityReport
from hvit_edge.parity.steps import StepResult
from hvit_edge.progress import Count
from hvit_edge.targets.executorch import executorch_run
from hvit_edge.targets.target import Sample
from hvit_edge.tensors.tensor_module import TensorModule


def validate_outputs(
    opened: Opened,
    function: TensorModule,
    samples: Sequence[Sample],
    sample_names: list[str],
    expected: list[Arrays],
    *,
    rtol: float | None,
    bisect: bool,
    runner: Runner | None,
    threads: int,
    progress: Count,
) -> tuple[ParityReport, Sequence[Arrays]]:
    """Compare every output of an artifact, and of every step that led to it, with eager PyTorch.

    Args:
        opened: the artifact.
        function: the module that it was made from.
        samples, sample_names: its inputs.
        expected: outputs of the module for each sample.
        rtol, bisect, threads, progress: see `validate`.
        runner: runs the program on a device as well; None for no device.

    Returns:
        The report, and the outputs of the last step for each sample.

    Raises:
        DeviceError: the device cannot be reached, or was lost.
    """
    metadata, names = opened.metadata, opened.metadata.output_names
    inputs = [sample.arrays for sample in samples]

    def judged(step: str, outputs: Sequence[Arrays]) -> StepResult:
        tolerance = step_tolerance(step, metadata.precision, rtol)
        tolerances = tolerances_of(tolerance, expected[0], metadata.precision, rtol)
        return judge_outputs(step, names, outputs, expected, tolerances)

    outputs = [opened.run(sample) for sample in samples]
    steps = [*float_steps(function, inputs, metadata, judged), *fidelity_steps(opened)]
    if opened.in_executorch:
        lowered = executorch_run(opened.path.read_bytes())
        steps.append(judged("lowered", [lowered(arrays) for arrays in inputs]))
    steps.append(judged(opened.step, outputs))
    there = None
    if runner is not None:
        step, there, outputs = measure_arrays_on_device(
            runner,
            opened.path,
            inputs,
            outputs,
            judged,
            names,
            threads=threads,
            progress=progress,
        )
        steps.append(step)
    report = ParityReport(
        artifact=opened.path,
        precision=metadata.precision,
        images=len(inputs),
        tolerance=without_classes(step_tolerance(opened.step, metadata.precision, rtol)),
        steps=tuple(steps),
        noise=output_noise(sample_names, expected, outputs),
        layers=tuple(sorted(metadata.layers, key=lambda layer: layer.sqnr_db)),
        backend=opened.backend,
        device=there,
        task=metadata.task,
    )
    if bisect and not report.passed:
        report = locate_break(report, metadata, function, samples, rtol)
    return report, outputs

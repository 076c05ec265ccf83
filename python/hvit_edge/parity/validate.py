"""Validate every step of an artifact, from eager PyTorch to the runtime, on real photos."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from hvit_edge.artifact.metadata import TENSOR
from hvit_edge.boundary.public import public
from hvit_edge.boundary.torch_state import settled
from hvit_edge.devices import LOCAL, Runner, open_device
from hvit_edge.devices.open_artifact import is_package, task_of_package
from hvit_edge.errors import InputError
from hvit_edge.lowering.pipeline import NATIVE_PIPELINE, Rewrite, applied_passes, pipeline_for
from hvit_edge.measures.tolerance import FLOAT_STEPS, step_tolerance
from hvit_edge.parity.bisect import LoweredValues, first_wrong_module, xnnpack_values
from hvit_edge.parity.bisect_quantized import first_unfaithful_layer
from hvit_edge.parity.float_steps import measure_float_steps
from hvit_edge.parity.graph_answer import measure_fidelity, read_golden
from hvit_edge.parity.native_runtime import native_values
from hvit_edge.parity.on_device import measure_on_device
from hvit_edge.parity.photos import open_photos
from hvit_edge.parity.reference import reference_model
from hvit_edge.parity.report import ParityReport, measure_noise
from hvit_edge.parity.steps import executorch_step, judge, measure, pytorch_step
from hvit_edge.progress import Count, uncounted
from hvit_edge.runtime import Session


@public("validate")
@settled
def validate(
    artifact: str | Path,
    *,
    data: str | Path | None = None,
    model: nn.Module | str | None = None,
    weights: object = None,
    rtol: float | None = None,
    threads: int = 0,
    bisect: bool = False,
    device: str = LOCAL,
    progress: Count = uncounted,
    weights_key: str | None = None,
    args: Mapping[str, Any] | None = None,
    sample: object = None,
) -> ParityReport:
    """Compare an artifact, and every step that led to it, with eager PyTorch.

    Args:
        artifact: a `.pte` or `.mlpackage` written by `compile`.
        data: a folder of photos or an NPZ file; None for the bundled photos.
        model: the module from which it was compiled, in eval mode, or its address, such as
            "FILE.py:FACTORY"; None for the recorded address. A user's file is run only if it is
            given here.
        weights, weights_key: source of the weights, see `create_model`; None for the recorded one.
            A file is searched next to the artifact and in the current folder.
        args: arguments of the factory of `model`; None for the recorded ones.
        rtol: largest difference, relative to the largest absolute output of eager PyTorch, with
            the same top class. It replaces the gate of the precision, see `measures.tolerance`.
        threads: number of threads of the runtime, and of the device; 0 for its default.
        bisect: if a step breaks, find the first module whose output differs. A quantized program is
            compiled again to find the first layer that differs from the quantized graph, and the
            layer with the most noise is named. A package has no record of its layers, so a break in
            its program is not located.
        device: device on which the program also runs, see `devices.open_device`; "local" is only
            this machine.
        progress: called after each photo on the device.
        sample: for an artifact of the task "tensor", in place of `data`: arrays, a dict of them by
            input name, the path of an NPZ file whose arrays may have a leading sample axis, or a
            folder of such files. None uses the golden sample, and more random samples if that one
            is random.

    Returns:
        The report.

    Raises:
        ArtifactError: the artifact cannot be used.
        InputError: there are no photos, the weights are not those of the artifact, this version
            does not know the precision, or a package is given with a device.
        DeviceError: the device cannot be reached, or was lost.
    """
    path = Path(artifact)
    runner = None if device == LOCAL else Runner(open_device(device))
    if is_package(path):
        if runner:
            raise InputError(
                f"[validate] expected a .pte file for {device}, got the package {path}; validate"
                " packages on a Mac, without --device (device=)"
            )
        from hvit_edge.parity.validate_package import validate_package

        if task_of_package(path) == TENSOR:
            from hvit_edge.parity.validate_tensors import check_options, validate_tensor_package

            check_options(data=data, bisect=bisect, device=device, local=LOCAL)
            return validate_tensor_package(
                path,
                sample=sample,
                model=model,
                weights=weights,
                weights_key=weights_key,
                args=args,
                rtol=rtol,
                threads=threads,
            )
        refuse_sample(sample)
        return validate_package(
            path,
            data=data,
            model=model,
            weights=weights,
            weights_key=weights_key,
            args=args,
            rtol=rtol,
            threads=threads,
            bisect=bisect,
        )
    session = Session(path, threads=threads)
    metadata = session.metadata
    if metadata.task == TENSOR:
        from hvit_edge.parity.validate_tensors import (
            check_options,
            session_runs,
            validate_tensors,
        )

        check_options(data=data, bisect=bisect, device=device, local=LOCAL)
        return validate_tensors(
            path,
            session_runs(path, session),
            sample=sample,
            model=model,
            weights=weights,
            weights_key=weights_key,
            args=args,
            rtol=rtol,
        )
    refuse_sample(sample)
    tolerance = step_tolerance("runtime", metadata.precision, rtol)
    classes = session.outputs[0].shape[-1]
    model = reference_model(
        metadata,
        classes,
        model=model,
        weights=weights,
        weights_key=weights_key,
        args=args,
        artifact=path,
    )
    photos, skipped = open_photos(data, metadata.preprocess)
    inputs = [metadata.preprocess(image) for _, image in photos]
    native = metadata.target == "native"
    passes = NATIVE_PIPELINE if native else pipeline_for(metadata.cpu, metadata.precision)
    passes = applied_passes(passes, metadata.rewrites_left_out, metadata.fallback)
    eager = pytorch_step(model)
    expected = [eager(array) for array in inputs]
    outputs = [session(array)[0] for array in inputs]
    fidelity = measure_fidelity(
        read_golden(path), lambda image: session(metadata.preprocess(image))[0]
    )
    last_steps = [*fidelity, judge("runtime", outputs, expected, tolerance)]
    if not native:  # ExecuTorch's own runtime does not have our backend
        lowered = executorch_step(path.read_bytes())
        last_steps.insert(0, measure("lowered", lowered, inputs, expected, tolerance))
    there = None
    if runner:
        step, there, outputs = measure_on_device(
            runner, path, inputs, outputs, expected, tolerance, threads=threads, progress=progress
        )
        last_steps.append(step)
    report = ParityReport(
        artifact=path,
        precision=metadata.precision,
        images=len(inputs),
        tolerance=tolerance,
        steps=(
            *measure_float_steps(model, inputs, expected, metadata.precision, rtol, passes=passes),
            *last_steps,
        ),
        noise=measure_noise([name for name, _ in photos], expected, outputs),
        layers=tuple(sorted(metadata.layers, key=lambda layer: layer.sqnr_db)),
        skipped=skipped,
        device=there,
    )
    broken = bisect and not report.passed
    if not broken:
        return report
    if metadata.precision != "fp32" and report.first_break not in FLOAT_STEPS:
        worst = report.layers[0] if report.layers else None
        wrong = first_unfaithful_layer(model, metadata, inputs[0])
        return replace(report, worst_layer=worst, first_module=wrong)
    values = native_values if native else xnnpack_values
    return _bisect(report, model, inputs[0], rtol, passes, values)


def refuse_sample(sample: object) -> None:
    """Raise InputError if arrays are given for an artifact that classifies photos."""
    if sample is not None:
        raise InputError(
            "[validate] sample: expected none with an artifact that classifies photos, got one;"
            " pass photos with --data DIR (data=...)"
        )


def _bisect(
    report: ParityReport,
    model: nn.Module,
    example: np.ndarray,
    rtol: float | None,
    passes: Sequence[Rewrite],
    values: LoweredValues,
) -> ParityReport:
    """Return the report with the first module that breaks a step of float arithmetic."""
    limit = step_tolerance("rewritten", report.precision, rtol).max_rel
    module = first_wrong_module(
        model, example, report.first_break, limit, passes=passes, lowered_values=values
    )
    return replace(report, first_module=module)

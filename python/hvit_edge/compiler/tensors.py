"""Compile a module of arrays; `compile` calls this if `inputs` are given."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from torch import nn

from hvit_edge.compiler.report import Artifact
from hvit_edge.compiler.subject import origin_of
from hvit_edge.compiler.tensor_programs import TensorRequest, compile_tensors
from hvit_edge.compiler.tensor_subject import TensorSubject, prepare_tensors
from hvit_edge.errors import InputError
from hvit_edge.progress import Wrap, silent
from hvit_edge.quantize import Calibration
from hvit_edge.quantize.calibration import ADVISED, FEWEST
from hvit_edge.targets.delegate import Lowered
from hvit_edge.tensors.sample_file import read_samples
from hvit_edge.tensors.samples import read_inputs

TARGETS = ("xnnpack", "native", "coreml")
GATED_SAMPLES = 4
"""Number of calibration samples that gates use in addition to the golden sample."""


@dataclass(frozen=True)
class TensorOptions:
    """Holds the options of `compile` for a module of arrays; see `compile` for their meaning."""

    target: str
    precision: str
    cpu: str
    ios: int
    compute_units: str
    path: Path
    force: bool
    rtol: float | None
    calib_data: str | Path | None
    calib_samples: int
    check_delegation: Callable[[Lowered, bool, float | None], None]
    min_delegated: float | None
    whole: bool
    tell: Callable[[str], None]
    progress: Wrap = silent


def compile_arrays(
    model: nn.Module, inputs: object, options: TensorOptions, *, registered: bool
) -> Artifact:
    """Compile a module to an artifact of the task "tensor".

    Args:
        model: the module in eval mode.
        inputs: see `tensors.samples.read_inputs`.
        options: options of `compile`.
        registered: True for a registered module.

    Raises:
        InputError: see `prepare_tensors`; or the target, the precision or the calibration samples
            are not supported.
    """
    start = time.perf_counter()
    _check(options)
    samples = read_inputs(inputs, "compile")
    origin = replace(origin_of(model, None), preprocess=None, labels=())
    subject = prepare_tensors(model, samples, origin, registered=registered, where="compile")
    calibration = _calibration(subject, options)
    if calibration is not None:
        subject = subject.with_samples(list(calibration.inputs[:GATED_SAMPLES]))
    request = TensorRequest(
        subject=subject,
        target=options.target,
        precision=options.precision,
        cpu=options.cpu,
        path=options.path,
        force=options.force,
        rtol=options.rtol,
        calibration=calibration,
        check_delegation=partial(
            _checked, options.check_delegation, registered, options.min_delegated
        ),
        tell=options.tell,
        start=start,
        whole=options.whole,
        progress=options.progress,
    )
    if options.target == "coreml":
        from hvit_edge.compiler.tensor_package import compile_tensor_package

        return compile_tensor_package(request, options.ios, options.compute_units)
    return compile_tensors(request)


def check_no_photos(preprocess: object, labels: object) -> None:
    """Raise InputError if options for photos are given together with `inputs`."""
    if preprocess is not None or labels is not None:
        raise InputError(
            "[compile] expected inputs, or preprocess and labels, got both; an artifact of arrays"
            " has no preprocessing and no labels; remove them"
        )


def _checked(
    check: Callable[[Lowered, bool, float | None], None],
    registered: bool,
    wanted: float | None,
    lowered: Lowered,
) -> None:
    check(lowered, registered, wanted)


def _check(options: TensorOptions) -> None:
    if options.target not in TARGETS:
        raise InputError(
            f"[compile] target: expected one of {', '.join(TARGETS)} with inputs, got"
            f" {options.target!r}; coreml writes a package for Apple systems"
        )
    if options.precision == "auto":
        raise InputError(
            "[compile] precision: expected a fixed one with inputs, got auto, which measures the"
            " accuracy of classes; use int8, int8-dynamic or fp16"
        )


def _calibration(subject: TensorSubject, options: TensorOptions) -> Calibration | None:
    """Read calibration samples: NPZ files whose arrays have a leading sample axis."""
    if options.calib_data is None:
        return None
    options.tell("calibrate")
    like = subject.samples[0]
    found = read_samples(options.calib_data, subject.input_names, like, "compile")
    found = found[: options.calib_samples]
    if len(found) < FEWEST:
        raise InputError(
            f"[compile] calibration data: expected at least {FEWEST} samples in"
            f" {options.calib_data}, got {len(found)}; give {ADVISED} to 512 samples like the"
            " inputs that the model will get, stacked along a leading axis"
        )
    return Calibration(tuple(found))

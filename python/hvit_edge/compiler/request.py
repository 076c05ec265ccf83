"""Define the options of a compilation, and check them before any work is done.

Imports no torch, so that the command line refuses wrong options immediately.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hvit_edge.artifact.container import check_output
from hvit_edge.artifact.package_file import SUFFIX, check_package_output
from hvit_edge.compiler.mixed_options import MixedOptions, check_mixed
from hvit_edge.errors import DelegationError, InputError
from hvit_edge.precision import (
    COMPUTE_UNITS,
    CPUS,
    FEWEST_IMAGES,
    INT8,
    IOS,
    TARGET_PRECISIONS,
)
from hvit_edge.progress import Wrap
from hvit_edge.sources.address import Address
from hvit_edge.targets.lowered_program import LoweredProgram
from hvit_edge.tasks.names import CLASSIFY, TENSOR

if TYPE_CHECKING:
    from torch import nn

    from hvit_edge.targets import AnyProgram

SUFFIXES = {"xnnpack": ".pte", "native": ".pte", "coreml": SUFFIX, "coreml-pte": ".pte"}
APPLE = ("coreml", "coreml-pte")
WHOLE = {"coreml": "which has no delegate"}
NEEDS_CALIBRATION = ("int8", "auto")
TAKES_CALIBRATION = (*INT8, "auto")
TENSOR_TARGETS = ("xnnpack", "native", "coreml")
TASK_TARGETS = ("xnnpack", "native", "coreml")
"""The targets of other tasks of photos than classifying them."""


@dataclass(frozen=True)
class Request:
    """Holds the options of a compilation, with defaults filled in; see `compile` for the others.

    Attributes:
        precision, cpu, ios, compute_units: the default if the argument of `compile` is None.
        path: path of the artifact.
        tell: called with the name of each step that begins.
        start: time at which the compilation began, from `time.perf_counter`.
    """

    target: str
    precision: str
    cpu: str
    ios: int
    compute_units: str
    path: Path
    force: bool
    rtol: float | None
    min_delegated: float | None
    calib_data: str | Path | None
    calib_samples: int
    mixed: MixedOptions
    progress: Wrap
    tell: Callable[[str], None]
    start: float

    def check(self, task: str = CLASSIFY) -> None:
        """Check that the options fit together, and that the output may be written.

        Args:
            task: name of the task of the artifact.

        Raises:
            InputError: an option is wrong, or the output exists.
        """
        arrays = task == TENSOR
        if arrays:
            self.check_arrays()
        elif task != CLASSIFY:
            self.check_task(task)
        self._check_numbers()
        self._check_calibration("samples" if arrays else "photos")
        check = check_package_output if self.target == "coreml" else check_output
        check(self.path, force=self.force)
        images = "labeled images" if task == CLASSIFY else "photos"
        check_mixed(self.mixed, self.precision, self.path, force=self.force, images=images)

    def check_arrays(self) -> None:
        """Raise InputError for a target or precision that tensor artifacts do not have."""
        if self.target not in TENSOR_TARGETS:
            raise InputError(
                f"[compile] target: expected one of {', '.join(TENSOR_TARGETS)} with inputs, got"
                f" {self.target!r}; coreml writes a package for Apple systems"
            )
        if self.precision == "auto":
            raise InputError(
                "[compile] precision: expected a fixed one with inputs, got auto, which measures"
                " the accuracy of a classifier; use int8, int8-dynamic or fp16"
            )

    def check_task(self, task: str) -> None:
        """Raise InputError for a target that artifacts of a task do not have."""
        if self.target not in TASK_TARGETS:
            raise InputError(
                f"[compile] target: expected one of {', '.join(TASK_TARGETS)} for the task {task},"
                f" got {self.target!r}"
            )

    def least_share(self, registered: bool) -> float:
        """Return the share of operators that must be delegated; a registered model needs all."""
        if self.min_delegated is not None:
            return self.min_delegated
        return 1.0 if registered else 0.0

    def check_delegation(self, program: AnyProgram, registered: bool) -> None:
        """Raise DelegationError if too many operators of a program are outside its delegate."""
        if not isinstance(program, LoweredProgram):
            return
        wanted = self.least_share(registered)
        if program.delegated_share >= wanted:
            return
        listed = "".join(
            f"\n  {op.op} in {op.module or 'the root module'}: {op.reason}"
            for op in program.ops_outside
        )
        raise DelegationError(
            f"[compile] expected at least {wanted:.1%} of the operators in the delegate, got"
            f" {program.delegated_share:.1%} of {program.ops_total}; replace these operators or"
            f" lower --min-delegated (min_delegated=):{listed}"
        )

    def _check_numbers(self) -> None:
        faults = []
        if self.min_delegated is not None and not 0 <= self.min_delegated <= 1:
            faults.append(f"min_delegated: expected a share from 0 to 1, got {self.min_delegated}")
        if self.rtol is not None and not 0 < self.rtol < 1:
            faults.append(f"rtol: expected a number between 0 and 1, got {self.rtol}")
        if faults:
            raise InputError("[compile] " + "; ".join(faults))

    def _check_calibration(self, noun: str) -> None:
        precision, data, samples = self.precision, self.calib_data, self.calib_samples
        if precision in NEEDS_CALIBRATION and data is None:
            raise InputError(
                f"[compile] calibration data: expected {noun} with {precision}, got none; pass"
                f" --calib-data DIR or NPZ (calib_data=...) with 128 to 512 {noun} of the kind that"
                " the model will see"
            )
        if precision not in TAKES_CALIBRATION and data is not None:
            raise InputError(
                f"[compile] calibration data: expected none with {precision}, which does not"
                f" depend on images, got {data}; leave out --calib-data (calib_data=...)"
            )
        if samples < FEWEST_IMAGES:
            raise InputError(
                "[compile] --calib-samples (calib_samples=...): expected at least"
                f" {FEWEST_IMAGES}, got {samples}"
            )


def precision_of(
    target: str,
    precision: str | None,
    ios: int | None,
    compute_units: str | None,
    cpu: str | None,
    min_delegated: float | None,
) -> str:
    """Return the requested precision, or the default of the target.

    Raises:
        InputError: the target does not have some of the options; the message names all of them.
    """
    if target not in TARGET_PRECISIONS:
        raise InputError(
            f"[compile] target: expected one of {', '.join(TARGET_PRECISIONS)}, got {target!r}"
        )
    known = TARGET_PRECISIONS[target]
    precision = known[0] if precision is None else precision
    faults = []
    if precision not in known:
        faults.append(
            f"precision: expected one of {', '.join(known)} for {target}, got {precision!r}"
        )
    if target not in APPLE and (ios is not None or compute_units is not None):
        faults.append(f"ios, compute_units: expected none for {target}; they belong to Core ML")
    if ios is not None and ios not in IOS:
        faults.append(f"ios: expected one of {', '.join(map(str, IOS))}, got {ios}")
    if compute_units is not None and compute_units not in COMPUTE_UNITS:
        expected = ", ".join(COMPUTE_UNITS)
        faults.append(f"compute_units: expected one of {expected}, got {compute_units!r}")
    shaped = target == "xnnpack" or (target == "native" and precision in INT8)
    if cpu is not None and not shaped:
        faults.append(
            f"cpu: expected none for {target} in {precision}; it belongs to xnnpack, and to native"
            f" {' and '.join(INT8)}"
        )
    if cpu is not None and cpu not in CPUS:
        faults.append(f"cpu: expected one of {', '.join(CPUS)}, got {cpu!r}")
    if target in WHOLE and min_delegated is not None:
        faults.append(f"min_delegated: expected none for {target}, {WHOLE[target]}")
    if faults:
        raise InputError("[compile] " + "; ".join(faults))
    return precision


def make_request(
    model: Address | nn.Module,
    *,
    target: str,
    precision: str | None,
    cpu: str | None,
    ios: int | None,
    compute_units: str | None,
    output: str | Path | None,
    min_delegated: float | None,
    on_step: Callable[[str], None] | None,
    **others: Any,
) -> Request:
    """Return the request with all defaults filled in; `others` are fields of `Request`.

    Raises:
        InputError: the target does not have some of the options.
    """
    start = time.perf_counter()
    precision = precision_of(target, precision, ios, compute_units, cpu, min_delegated)
    return Request(
        target=target,
        precision=precision,
        cpu=cpu or CPUS[0],
        ios=ios or IOS[0],
        compute_units=compute_units or COMPUTE_UNITS[0],
        path=output_path(model, target, precision, output),
        min_delegated=min_delegated,
        tell=on_step or (lambda step: None),
        start=start,
        **others,
    )


def output_path(
    model: Address | nn.Module, target: str, precision: str, output: str | Path | None
) -> Path:
    """Return the path of the artifact; the default contains model, target and precision."""
    if output is not None:
        return Path(output)
    if isinstance(model, Address):
        name = model.model_name
    else:
        from hvit_edge.compiler.subject import origin_of  # imports torch

        name = origin_of(model, None).name
    return Path(f"{name}-{target}-{precision}{SUFFIXES[target]}")

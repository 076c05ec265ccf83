"""Measure the time, or for Arm in QEMU the instructions, of each operator of an inference."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hvit_edge.artifact.kinds import is_package
from hvit_edge.devices import LOCAL, Runner, open_device
from hvit_edge.errors import InputError
from hvit_edge.profile.instructions import OUTSIDE, QEMU, check_countable, instructions_of
from hvit_edge.profile.operator_groups import OUTSIDE_DELEGATES, group_of, native_parts
from hvit_edge.profile.operator_modules import modules_of
from hvit_edge.profile.outside_operators import outside_operators
from hvit_edge.profile.random_arrays import random_arrays
from hvit_edge.progress import Count, uncounted
from hvit_edge.runtime import Session
from hvit_edge.runtime.binding import cpp

TIME, INSTRUCTIONS = "ns", "instructions"


@dataclass(frozen=True)
class OperatorCost:
    """Holds the cost of one operator.

    Attributes:
        name: name with number that XNNPACK reports: "Softmax (NC, F32) #2"; for our own backend the
            kind, such as "Linear"; outside the delegates the operator, such as "aten::topk.values".
        group: its kind of work, see `operator_groups`.
        module: dotted path of the module that it came from; empty for the root, None if unknown.
        cost: cost in the unit of the profile.
    """

    name: str
    group: str
    module: str | None
    cost: float


@dataclass(frozen=True)
class Profile:
    """Holds the costs of the operators of one inference.

    Attributes:
        artifact, device: the artifact, and the device that ran it.
        unit: TIME in nanoseconds, medians over the iterations; or INSTRUCTIONS of one inference on
            one thread.
        threads, iterations, warmup: parameters of the measurement.
        inference: cost of the complete inference, with the measurement of operators.
        outside: the rest of the inference, so that all costs add up to it. For times, it includes
            what XNNPACK rounds down, up to a microsecond per operator, and on a machine that also
            does other work what interrupts another operator in each run.
        operators: operators in the order of execution.
    """

    artifact: str
    device: str
    unit: str
    threads: int
    iterations: int
    warmup: int
    inference: float
    outside: float
    operators: tuple[OperatorCost, ...]

    @property
    def total(self) -> float:
        """Return the cost of all operators plus `outside`, which is `inference`.

        It is more than `inference` only if the medians of operators are more than that of runs.
        """
        return self.outside + sum(operator.cost for operator in self.operators)

    @property
    def outside_delegates(self) -> tuple[OperatorCost, ...]:
        """Return the operators that run outside the delegates, in ExecuTorch's kernels."""
        return tuple(each for each in self.operators if each.group == OUTSIDE_DELEGATES)

    def to_dict(self) -> dict[str, object]:
        kernels = sum(operator.cost for operator in self.outside_delegates)
        return {
            "artifact": self.artifact,
            "device": self.device,
            "unit": self.unit,
            "threads": self.threads,
            "iterations": self.iterations,
            "warmup": self.warmup,
            "inference": self.inference,
            "total": self.total,
            "outside": self.outside,
            "outside_delegates": {
                "operators": len(self.outside_delegates),
                "cost": kernels,
                "share": share(kernels, self.total),
            },
            "operators": [
                {**vars(operator), "share": share(operator.cost, self.total)}
                for operator in self.operators
            ],
        }


def share(part: float, whole: float) -> float:
    """Return `part` divided by `whole`, or 0 if `whole` is 0."""
    return part / whole if whole else 0.0


def profile(
    path: str | Path,
    *,
    iterations: int = 100,
    warmup: int = 10,
    threads: int = 0,
    device: str = LOCAL,
    progress: Count = uncounted,
) -> Profile:
    """Measure the operators of an artifact.

    Args:
        path: a `.pte` written by hvit-edge.
        iterations, warmup: number of measured runs, and of runs before them. Instructions are
            counted in one run.
        threads: number of threads; 0 lets the runtime choose. Instructions are counted with one.
        device: see `devices.open_device`; qemu:CPU gives instructions, all others give times.
        progress: called after every run on another device.

    Returns:
        The profile.

    Raises:
        ArtifactError: the artifact cannot be used.
        InputError: iterations are below 1, or warmup below 0; the artifact is a package; or the
            program has no operators.
        DeviceError: the device cannot be reached, or was lost.
    """
    if is_package(path):
        raise InputError(
            f"[profile] expected a .pte file, got the package {path}; packages are profiled on the"
            " device: open it in Xcode and make a performance report"
        )
    for name, value, least in (("iterations", iterations, 1), ("warmup", warmup, 0)):
        if value < least:
            raise InputError(f"[profile] {name}: expected at least {least}, got {value}")
    if device.startswith(QEMU):
        return _counted(Path(path), device, progress)
    if device == LOCAL:
        measured = _measure(Path(path), iterations, warmup, threads)
    else:
        runs = {"iterations": iterations, "warmup": warmup}
        runner = Runner(open_device(device))
        measured = runner.profile(Path(path), **runs, threads=threads, progress=progress)
    times = np.array([each["nanoseconds"] for each in measured["operators"]]).reshape(
        -1, iterations
    )
    runs = 1e9 * np.array(measured["seconds"])
    names = (each["name"] for each in measured["operators"])
    costs = list(zip(names, np.median(times, axis=1).tolist(), strict=True))
    inference = float(np.median(runs))
    return Profile(
        artifact=str(path),
        device=device,
        unit=TIME,
        threads=measured["threads"],
        iterations=iterations,
        warmup=warmup,
        inference=inference,
        outside=max(inference - sum(cost for _, cost in costs), 0.0),
        operators=_operators(path, costs),
    )


def _counted(path: Path, device: str, progress: Count) -> Profile:
    check_countable(device)
    counted = instructions_of(path, device, progress)
    return Profile(
        artifact=str(path),
        device=device,
        unit=INSTRUCTIONS,
        threads=1,
        iterations=1,
        warmup=1,
        inference=counted.total,
        outside=counted.kernels[OUTSIDE],
        operators=_operators(path, counted.operators),
    )


def _operators(path: str | Path, costs: Sequence[tuple[str, float]]) -> tuple[OperatorCost, ...]:
    if not costs:
        raise InputError(
            f"[profile] {path}: expected a program with operators, got one that computes nothing;"
            " profile another"
        )
    outside = outside_operators(path, [name for name, _ in costs])
    inside = [name for name, _ in costs if name not in outside]
    records = Session(path, prepare=False).metadata.operators
    modules = iter(modules_of(records, inside))
    return tuple(
        OperatorCost(outside[name][0], OUTSIDE_DELEGATES, outside[name][1], cost)
        if name in outside
        else OperatorCost(_shown(name), group_of(name), next(modules), cost)
        for name, cost in costs
    )


def _shown(name: str) -> str:
    """Return the name of an event without the module, which is a separate field."""
    native = native_parts(name)
    return native[0] if native else name


def _measure(path: Path, iterations: int, warmup: int, threads: int) -> dict:
    """Measure in this process; return the same as `profile` of the runner."""
    session = Session(path, threads=threads, time_operators=True)
    inputs = random_arrays(session)
    seconds, runs = [], []
    for _ in range(warmup + iterations):
        start = time.perf_counter()
        session(*inputs)
        seconds.append(time.perf_counter() - start)
        runs.append(session.operator_times())
    names = [name for name, _ in runs[-1]]
    times = np.array([[cost for _, cost in run] for run in runs[warmup:]], np.int64)
    return {
        "threads": cpp.threads(),
        "seconds": seconds[warmup:],
        "operators": [
            {"name": name, "nanoseconds": column.tolist()}
            for name, column in zip(names, times.T, strict=True)
        ],
    }

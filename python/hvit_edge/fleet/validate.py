"""Compare the outputs of several devices with those of this machine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from hvit_edge.artifact.container import Arrays
from hvit_edge.artifact.kinds import is_package
from hvit_edge.artifact.metadata import CLASSIFY, TENSOR, Difference
from hvit_edge.devices import Facts, Runner, open_device
from hvit_edge.errors import InputError
from hvit_edge.fleet.each_device import Done, Log, on_each
from hvit_edge.measures.tolerance import Tolerance, step_tolerance
from hvit_edge.parity.judge_outputs import judge_outputs, without_classes
from hvit_edge.parity.opened import Opened, open_for_parity
from hvit_edge.parity.photos import open_photos
from hvit_edge.parity.steps import StepResult, judge
from hvit_edge.targets.target import Sample, photo_sample


@dataclass(frozen=True)
class DeviceAnswer:
    """Holds the answers of one device.

    Attributes:
        facts: facts about it.
        outputs: its outputs for each sample.
    """

    facts: Facts
    outputs: list[Arrays]


@dataclass(frozen=True)
class FleetDevice:
    """Compares one device with this machine.

    Attributes:
        device: the address.
        passed: the outputs are within the tolerance, and the top classes are the same.
        error: why it gave no answer; empty if it gave one.
        architecture, cpu: facts about it; empty if it gave no answer.
        difference: the largest difference over the samples; None if it gave no answer.
        top1_agree: the share of photos with the same top class; None for other tasks.
        odd: its outputs are outside of the tolerance from the median of all devices and of this
            machine, so it differs from the rest.
    """

    device: str
    passed: bool
    error: str = ""
    architecture: str = ""
    cpu: str = ""
    difference: Difference | None = None
    top1_agree: float | None = None
    odd: bool = False


@dataclass(frozen=True)
class FleetReport:
    """Reports a validation on several devices.

    Attributes:
        artifact: the file.
        samples: number of photos or samples.
        tolerance: the largest difference from this machine that passes.
        devices: one comparison for each device.
    """

    artifact: str
    samples: int
    tolerance: str
    devices: tuple[FleetDevice, ...]

    @property
    def passed(self) -> bool:
        """Return True if every device answered like this machine."""
        return all(one.passed for one in self.devices)

    @property
    def unreachable(self) -> list[str]:
        """Return the addresses of the devices that gave no answer."""
        return [one.device for one in self.devices if one.error]

    def to_dict(self) -> dict[str, object]:
        """Return the report as plain values."""
        return {**asdict(self), "passed": self.passed}


def validate_fleet(
    artifact: str | Path,
    devices: Sequence[str],
    *,
    data: str | Path | None = None,
    rtol: float | None = None,
    threads: int = 0,
    logs: Path | None = None,
) -> FleetReport:
    """Run an artifact on each device, and compare the outputs with those of this machine.

    `validate` compares this machine with eager PyTorch.

    Args:
        artifact: a `.pte` written by hvit-edge.
        devices: addresses, see `devices.addresses_of`.
        data: a folder of photos or an NPZ file; None for the bundled photos. An artifact of arrays
            runs its golden sample.
        rtol: largest difference relative to this machine's largest absolute output; None for the
            tolerance of the precision.
        threads: number of threads; 0 lets each device choose.
        logs: folder for a log of each device; None for none.

    Raises:
        InputError: the artifact is a package, or there are no photos.
        ArtifactError: the artifact is damaged, not from hvit-edge, or too new.
    """
    path = Path(artifact)
    if is_package(path):
        raise InputError(
            f"[validate] expected a .pte file for devices, got the package {path}; validate"
            " packages on a Mac, without --device"
        )
    opened = open_for_parity(path, threads=threads)
    samples = _samples(opened, data)
    here = [opened.run(sample) for sample in samples]
    tolerance = without_classes(step_tolerance(opened.step, opened.metadata.precision, rtol))
    if opened.metadata.task == CLASSIFY:
        tolerance = replace(tolerance, same_top1=True)

    def answer(device: str, log: Log) -> DeviceAnswer:
        runner = Runner(open_device(device))
        facts = runner.facts()
        log(f"{facts.architecture} {facts.cpu}, {facts.cores} cores")
        inputs = [sample.arrays for sample in samples]
        return DeviceAnswer(facts, runner.run_arrays(path, inputs, threads=threads))

    answers = on_each(devices, answer, logs)
    odd = _odd_ones(answers, here, tolerance)
    compared = tuple(_compared(one, here, tolerance, one.device in odd) for one in answers)
    return FleetReport(str(path), len(samples), str(tolerance), compared)


def _samples(opened: Opened, data: str | Path | None) -> list[Sample]:
    if opened.metadata.task == TENSOR:
        return [opened.golden_sample()]
    photos, _ = open_photos(data, opened.metadata.preprocess)
    return [photo_sample(opened.metadata.preprocess, image, opened.batch) for _, image in photos]


def _judged(outputs: list[Arrays], expected: list[Arrays], tolerance: Tolerance) -> StepResult:
    if tolerance.same_top1:
        return judge("device", [row[0] for row in outputs], [row[0] for row in expected], tolerance)
    names = [f"output {place}" for place in range(len(expected[0]))]
    return judge_outputs("device", names, outputs, expected, [tolerance] * len(names))


def _compared(
    done: Done[DeviceAnswer], here: list[Arrays], tolerance: Tolerance, odd: bool
) -> FleetDevice:
    if done.result is None:
        return FleetDevice(done.device, passed=False, error=done.error)
    step = _judged(done.result.outputs, here, tolerance)
    facts = done.result.facts
    return FleetDevice(
        done.device,
        step.passed,
        architecture=facts.architecture,
        cpu=facts.cpu,
        difference=step.difference,
        top1_agree=step.top1_agreement if tolerance.same_top1 else None,
        odd=odd,
    )


def _odd_ones(
    answers: Sequence[Done[DeviceAnswer]], here: list[Arrays], tolerance: Tolerance
) -> set[str]:
    """Return the devices whose outputs are far from the median of all, if there are enough."""
    given = {one.device: one.result.outputs for one in answers if one.result is not None}
    everyone = [*given.values(), here]
    if len(everyone) < 3:
        return set()
    middle = [
        tuple(np.median(np.stack(same), axis=0) for same in zip(*sample, strict=True))
        for sample in zip(*everyone, strict=True)
    ]
    return {
        device
        for device, outputs in given.items()
        if not _judged(outputs, middle, tolerance).passed
    }

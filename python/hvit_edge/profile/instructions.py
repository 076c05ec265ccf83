"""Count the guest instructions of one inference in QEMU.

This cost does not depend on other load on the machine.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from hvit_edge.devices.address import open_device
from hvit_edge.devices.bundle import CHECKOUT
from hvit_edge.devices.cores import Estimate, estimates
from hvit_edge.devices.runner import Runner
from hvit_edge.errors import DeviceError, InputError
from hvit_edge.profile.caches import CacheMisses, misses_of
from hvit_edge.profile.operator_groups import GROUPS, group_of, is_known
from hvit_edge.progress import Count, uncounted

PLUGIN = CHECKOUT / "build/arm/host/count_instructions.so"
QEMU = "qemu:"


OUTSIDE = "outside"
"""Instructions outside operators: checks of inputs, ExecuTorch, XNNPACK's loop over operators."""


@dataclass(frozen=True)
class Instructions:
    """Holds the instruction counts of one inference, without loading and warmup.

    Attributes:
        total: number of all instructions.
        groups: number by place in the binary, such as the library of the kernels.
        operators: for each operator in order, the name that the runtime reports, and the number of
            instructions between the reads of the clock before and after it. They are counted in a
            separate inference. Each number includes the few dozen instructions of a clock read.
        classes: number by the part of a core that they use: "memory", "vector", "scalar".
        file_bytes: size of the artifact.
        caches: modeled misses by the name of the core, if they were counted.
    """

    total: int
    groups: dict[str, int]
    operators: tuple[tuple[str, int], ...] = ()
    classes: dict[str, int] = field(default_factory=dict)
    file_bytes: int = 0
    caches: dict[str, CacheMisses] = field(default_factory=dict)

    @property
    def kernels(self) -> dict[str, int]:
        """Return counts by kind of operator (see `operator_groups`) and OUTSIDE; sum is `total`."""
        counts = dict.fromkeys(GROUPS, 0)
        for name, count in self.operators:
            counts[group_of(name)] += count
        return {**counts, OUTSIDE: self.total - sum(counts.values())}

    @property
    def estimates(self) -> tuple[Estimate, ...]:
        """Return estimated, not measured, milliseconds on Arm cores; see `cores`."""
        return estimates(self.classes, self.file_bytes) if self.classes else ()

    @property
    def unknown(self) -> tuple[str, ...]:
        """Return the names of operators that are in no group, and are counted as "other"."""
        return tuple(name for name, _ in self.operators if not is_known(name))

    def to_dict(self) -> dict[str, object]:
        return {
            "total": self.total,
            "groups": self.groups,
            "kernels": {
                group: {"instructions": count, "share": count / self.total}
                for group, count in self.kernels.items()
            },
            "operators": [{"name": name, "instructions": n} for name, n in self.operators],
            "unknown": list(self.unknown),
            "classes": self.classes,
            "estimates": [each.to_dict() for each in self.estimates],
        }


def check_countable(address: str) -> None:
    """Raise InputError if instructions cannot be counted on the device at `address`."""
    if not address.startswith(QEMU):
        raise InputError(
            f"[bench] expected --device qemu:CPU (device='qemu:CPU') to count instructions, got"
            f" {address}; other devices have no repeatable counter"
        )
    if not PLUGIN.is_file():
        raise InputError(
            f"[bench] expected QEMU's plugin at {PLUGIN}, found none; run make arm in a checkout"
        )


def instructions_of(
    artifact: Path, address: str, progress: Count = uncounted, *, caches: bool = False
) -> Instructions:
    """Count the instructions of one inference on one thread.

    Args:
        artifact: a `.pte` file written by hvit-edge.
        address: qemu:CPU.
        progress: called after every inference, including warmup.
        caches: whether to count modeled cache misses too, which takes several times as long.

    Raises:
        InputError: see `check_countable` and `Runner.count`.
        DeviceError: see `Runner.count`, or the runner and the plugin do not agree.
    """
    check_countable(address)
    with tempfile.TemporaryDirectory() as folder:
        out, model = Path(folder, "instructions.json"), ",caches=on" if caches else ""
        device = open_device(address, qemu_options=["-plugin", f"{PLUGIN},out={out}{model}"])
        try:
            answer = Runner(device).count(artifact, progress)
            counted = json.loads(out.read_text())
            operators = tuple(between_reads(answer["operators"], counted["reads"]))
            misses = misses_of(answer["operators"], counted) if caches else {}
        except (OSError, ValueError, KeyError) as error:
            raise DeviceError(
                f"[bench] {address}: expected the runner and QEMU's plugin to count operators, got"
                f" {type(error).__name__} {error}; run make arm again"
            ) from error
    return Instructions(
        counted["instructions"],
        counted["groups"],
        operators,
        counted["classes"],
        artifact.stat().st_size,
        misses,
    )


def between_reads(operators: list[dict], reads: list[int]) -> Iterator[tuple[str, int]]:
    """Yield the name and the number of instructions of each operator.

    Args:
        operators: each with "name", "first" and "last", the numbers of the clock reads around it.
        reads: number of instructions before each read of the clock.

    Raises:
        ValueError: the number of reads does not match the operators.
    """
    if not operators or len(reads) != operators[-1]["last"] + 1:
        raise ValueError(f"{len(reads)} reads of the clock for {len(operators)} operators")
    for each in operators:
        yield each["name"], reads[each["last"]] - reads[each["first"]]

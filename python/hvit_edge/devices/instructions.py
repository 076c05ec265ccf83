"""Guest instructions of one inference in QEMU: a cost that no other load on the machine changes."""

from __future__ import annotations

import json
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

from hvit_edge.devices.address import open_device
from hvit_edge.devices.bundle import CHECKOUT
from hvit_edge.devices.runner import Runner
from hvit_edge.errors import DeviceError, InputError

PLUGIN = CHECKOUT / "build/arm/host/count_instructions.so"
QEMU = "qemu:"


@dataclass(frozen=True)
class Instructions:
    """Of one inference, loading and warmup left out.

    Attributes:
        total: all of them.
        groups: by where they lie, such as the library of the kernels.
    """

    total: int
    groups: dict[str, int]

    def to_dict(self) -> dict[str, object]:
        return asdict(self)


def check_countable(address: str) -> None:
    """Raises InputError where instructions cannot be counted."""
    if not address.startswith(QEMU):
        raise InputError(
            f"[bench] expected --device qemu:CPU to count instructions, got {address}; others have"
            " no counter that repeats"
        )
    if not PLUGIN.is_file():
        raise InputError(
            f"[bench] expected QEMU's plugin at {PLUGIN}, found none; run make arm in a checkout"
        )


def instructions_of(artifact: Path, address: str) -> Instructions:
    """Count those of one inference on one thread.

    Args:
        artifact: a `.pte` written by hvit-edge.
        address: qemu:CPU.

    Raises:
        InputError, DeviceError: as `check_countable` and `Runner.count`.
    """
    check_countable(address)
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "instructions.json")
        device = open_device(address, qemu_options=["-plugin", f"{PLUGIN},out={out}"])
        try:
            Runner(device).count(artifact)
            counted = json.loads(out.read_text())
        except (OSError, ValueError) as error:
            raise DeviceError(
                f"[bench] {address}: expected QEMU's plugin to write its count, got {error}; run"
                " make arm again"
            ) from error
    return Instructions(counted["instructions"], counted.get("groups", {}))

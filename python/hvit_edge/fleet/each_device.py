"""Do the same work on each device of a fleet."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Generic, TypeVar

from hvit_edge.devices import LOCAL
from hvit_edge.errors import HvitEdgeError

Result = TypeVar("Result")
Log = Callable[[str], None]
ON_THIS_MACHINE = (LOCAL, "qemu:")


@dataclass(frozen=True)
class Done(Generic[Result]):
    """Holds what came of the work on one device.

    Attributes:
        device: the address.
        result: the result; None if it failed.
        error: why it failed; empty if it did not.
    """

    device: str
    result: Result | None
    error: str = ""


def on_each(
    devices: Sequence[str], work: Callable[[str, Log], Result], logs: Path | None = None
) -> list[Done[Result]]:
    """Return what came of `work` on each device, in the order of `devices`.

    Devices work at the same time, except those that this machine emulates: they share its cores, so
    they work one after the other. A device that fails does not stop the others.

    Args:
        devices: addresses.
        work: called with an address, and a function that writes a line to the device's log.
        logs: a folder, which gets one file for each device; None for no logs.
    """
    here = threading.Lock()

    def one(device: str) -> Done[Result]:
        log = _log(device, logs)
        try:
            with here if device.startswith(ON_THIS_MACHINE) else nullcontext():
                log("started")
                result = work(device, log)
        except HvitEdgeError as error:
            log(f"failed: {error}")
            return Done(device, None, str(error))
        log("finished")
        return Done(device, result)

    if logs is not None:
        logs.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(len(devices), thread_name_prefix="hvit-edge-fleet") as threads:
        return list(threads.map(one, devices))


def log_name(device: str) -> str:
    """Return the name of a device's log: its address with a dash for what a file cannot have."""
    return "".join(c if c.isalnum() or c in ".-_@" else "-" for c in device) + ".log"


def _log(device: str, logs: Path | None) -> Log:
    if logs is None:
        return lambda line: None
    path = logs / log_name(device)

    def write(line: str) -> None:
        now = datetime.now(timezone.utc).isoformat(timespec="seconds")
        with open(path, "a", encoding="utf-8") as file:
            file.write(f"{now} {line}\n")

    return write

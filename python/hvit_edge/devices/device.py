"""Define the interface of a device: copy files to it, and run commands there."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path

from hvit_edge.devices.process import Finished

IDLE_SECONDS = 300.0
"""Longest time without output; one emulated inference of a large model takes a minute."""


class Device(ABC):
    """Represents a machine on which the runner runs.

    Methods raise DeviceError if the device cannot be reached, or refuses the request.

    Attributes:
        name: the address as the user gave it, such as "ssh://pi@10.0.0.7".
        stop: ends the current command if another thread sets it.
    """

    name: str

    def __init__(self) -> None:
        self.stop = threading.Event()

    @abstractmethod
    def architecture(self) -> str:
        """Return the architecture as `uname -m` names it: "aarch64", "x86_64"."""

    @abstractmethod
    def push(self, source: Path, target: str) -> str:
        """Copy a file to the device unless it is there already; never leave an incomplete file.

        Args:
            source: the local file.
            target: its name on the device, below the folder of hvit-edge. A name always has the
                same content: it contains a digest, or is used only once.

        Returns:
            The path on the device.
        """

    @abstractmethod
    def run(
        self, arguments: Sequence[str], on_line: Callable[[str], bool] = lambda line: False
    ) -> Finished:
        """Run a command on the device to its end.

        Args:
            arguments: the path of a program on the device, and its arguments.
            on_line: see `process.finish`.
        """

    @abstractmethod
    def path(self, target: str) -> str:
        """Return the path of `target` on the device, even if the file does not exist."""

    @abstractmethod
    def pull(self, target: str, destination: Path) -> None:
        """Copy a file from the device."""

    @abstractmethod
    def remove(self, target: str) -> None:
        """Delete a file on the device; no error if the file or the device is gone."""

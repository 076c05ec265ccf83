"""What a device is to hvit-edge: a place to put files, and to run a command on them."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path

from hvit_edge.devices.process import Finished

IDLE_SECONDS = 300.0
"""How long a device may say nothing: emulated, one inference of a large model takes a minute."""


class Device(ABC):
    """A machine that is not this process.

    Attributes:
        name: as the user gave it, such as "ssh://pi@10.0.0.7".
        stop: ends what runs there when another thread sets it.

    Methods raise DeviceError where the device cannot be reached, or refuses.
    """

    name: str

    def __init__(self) -> None:
        self.stop = threading.Event()

    @abstractmethod
    def architecture(self) -> str:
        """As `uname -m` names it: "aarch64", "x86_64"."""

    @abstractmethod
    def push(self, source: Path, target: str) -> str:
        """Copy a file onto the device unless it is there, whole or not at all.

        Args:
            source: the file here.
            target: its name on the device, below the folder of hvit-edge. A name stands for one
                content for ever: it has a digest in it, or is used once.

        Returns:
            The path on the device.
        """

    @abstractmethod
    def run(
        self, arguments: Sequence[str], on_line: Callable[[str], bool] = lambda line: False
    ) -> Finished:
        """Run a command on the device to its end.

        Args:
            arguments: the path of a program on the device, and what it is given.
            on_line: see `process.finish`.
        """

    @abstractmethod
    def path(self, target: str) -> str:
        """Where `target` lies, or would lie, on the device."""

    @abstractmethod
    def pull(self, target: str, destination: Path) -> None:
        """Copy a file from the device."""

    @abstractmethod
    def remove(self, target: str) -> None:
        """Delete a file on the device; no error where it, or the device, is gone."""

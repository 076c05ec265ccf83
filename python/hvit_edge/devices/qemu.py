"""Run aarch64 programs in user-mode QEMU: real Arm kernels on any Linux machine.

The guest uses the files of this machine, so nothing is copied.
"""

from __future__ import annotations

import difflib
import shutil
import subprocess
import tempfile
import weakref
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

from hvit_edge.devices.device import IDLE_SECONDS, Device
from hvit_edge.devices.process import Finished, finish
from hvit_edge.errors import DeviceError, InputError

PROGRAM = "qemu-aarch64"
LIBRARIES = Path("/usr/aarch64-linux-gnu")
"""The C and C++ libraries of the guest, at the path of Debian's cross compiler.

Only the runner with ExecuTorch needs them.
"""
LOADER = b"/lib/ld-linux-aarch64.so.1\0"
"""A program that needs libraries names this file in its first pages."""
INSTALL = "on Debian: apt install "
ARCHITECTURES = {"armv8.6": "max,sve=off,sme=off"}
"""QEMU's CPUs for versions of the architecture. Armv8.6 has i8mm and bf16, as Apple's A15 and M2.

The CPU `max` also has SVE and SME, whose instructions compute with more than 128 bits.
"""


class Qemu(Device):
    """Emulates a CPU that `qemu-aarch64 -cpu help` lists, such as cortex-a76, or an architecture.

    Args:
        cpu: name of the CPU, or one of `ARCHITECTURES`.
        options: more options of QEMU, such as a plugin.

    Raises:
        InputError: QEMU does not know the CPU.
        DeviceError: QEMU is missing.
    """

    def __init__(self, cpu: str, options: Sequence[str] = ()) -> None:
        super().__init__()
        self.name = f"qemu:{cpu}"
        known = known_cpus()
        if cpu not in ARCHITECTURES and cpu not in known:
            close = difflib.get_close_matches(cpu, (*known, *ARCHITECTURES), n=1)
            hint = f"did you mean {close[0]!r}? " if close else ""
            raise InputError(
                f"[device] expected a CPU that QEMU knows, got {cpu!r}; {hint}"
                f"`{PROGRAM} -cpu help` lists them, and {', '.join(ARCHITECTURES)} is one more"
            )
        libraries = ["-L", str(LIBRARIES)] if LIBRARIES.is_dir() else []
        self._command = [PROGRAM, *libraries, "-cpu", model_of(cpu), *options]
        self._own = Path(tempfile.mkdtemp(prefix="hvit-edge-"))
        weakref.finalize(self, shutil.rmtree, self._own, ignore_errors=True)

    def architecture(self) -> str:
        return "aarch64"

    def path(self, target: str) -> str:
        return str(self._own / Path(target).name)

    def push(self, source: Path, target: str) -> str:
        return str(source.resolve())

    def run(
        self, arguments: Sequence[str], on_line: Callable[[str], bool] = lambda line: False
    ) -> Finished:
        check_libraries(Path(arguments[0]))
        command = [*self._command, *arguments]
        return finish(
            command, where=self.name, idle_seconds=IDLE_SECONDS, on_line=on_line, stop=self.stop
        )

    def pull(self, target: str, destination: Path) -> None:
        try:
            shutil.copyfile(self.path(target), destination)
        except OSError as error:
            raise DeviceError(
                f"[device] {self.name}: expected the output {target}, got {error.strerror}"
            ) from error

    def remove(self, target: str) -> None:
        Path(self.path(target)).unlink(missing_ok=True)


def model_of(cpu: str) -> str:
    """Return what QEMU's option `-cpu` takes for a CPU or one of `ARCHITECTURES`."""
    return ARCHITECTURES.get(cpu, cpu)


@cache
def check_libraries(program: Path) -> None:
    """Raise DeviceError if a program needs the libraries of the guest, and they are missing."""
    if LIBRARIES.is_dir():
        return
    with open(program, "rb") as file:
        if LOADER in file.read(4096):
            raise DeviceError(
                f"[device] expected {LIBRARIES} for the runner with ExecuTorch in QEMU, got none;"
                f" {INSTALL}g++-aarch64-linux-gnu"
            )


@cache
def known_cpus() -> tuple[str, ...]:
    """Return the names of the CPUs that QEMU emulates.

    Raises:
        DeviceError: QEMU is missing.
    """
    if shutil.which(PROGRAM) is None:
        raise DeviceError(
            f"[device] expected {PROGRAM} for a device in QEMU, got none; {INSTALL}qemu-user"
        )
    # QEMU exits with status 1 here, because no program is given.
    listed = subprocess.run([PROGRAM, "-cpu", "help"], capture_output=True, text=True, check=False)
    return tuple(line.strip() for line in listed.stdout.splitlines() if line.startswith(" "))

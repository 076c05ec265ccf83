"""Open a tensor artifact of any kind, here or on a device.

Imports torch and coremltools only if the artifact is a package.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from hvit_edge.artifact.kinds import is_package
from hvit_edge.artifact.metadata import TENSOR
from hvit_edge.devices.open_artifact import task_of
from hvit_edge.errors import InputError
from hvit_edge.runtime import Session

if TYPE_CHECKING:
    from hvit_edge.tensors.device_session import DeviceSession
    from hvit_edge.tensors.package_session import PackageSession

AnySession: TypeAlias = "Session | PackageSession | DeviceSession"


def takes_arrays(path: str | Path) -> bool:
    """Return True if an artifact has the task "tensor"; the program is not prepared.

    Raises:
        InputError: there is no such file.
        ArtifactError: the artifact is damaged, not from hvit-edge, or too new.
    """
    return task_of(path) == TENSOR


def open_session(path: str | Path, *, threads: int = 0, device: str = "local") -> AnySession:
    """Return a session for an artifact that takes and returns arrays.

    Args:
        path: a `.pte` or `.mlpackage` of the task "tensor".
        threads: number of threads; 0 lets the runtime choose.
        device: device on which it runs, see `devices.open_device`; "local" is this machine.

    Raises:
        InputError, ArtifactError: see `runtime.Session`; or a package is given for a device.
        DeviceError: the device cannot be used. Usually this is known only at the first run.
    """
    if device != "local":
        from hvit_edge.devices import Runner, open_device
        from hvit_edge.tensors.device_session import DeviceSession

        if is_package(path):
            raise InputError(
                f"[device] expected a .pte file, got the package {path}: the runner has no Core"
                " ML; open packages on a Mac"
            )
        return DeviceSession(path, Runner(open_device(device)), threads=threads)
    if is_package(path):
        from hvit_edge.tensors.package_session import PackageSession

        return PackageSession(path, threads=threads)
    return Session(path, threads=threads)

"""Open an artifact of any kind: a `.pte` file or an `.mlpackage` folder.

Imports torch and coremltools only if the artifact is a package.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from hvit_edge.artifact.kinds import check_exists, is_package
from hvit_edge.artifact.metadata import CLASSIFY, Metadata
from hvit_edge.errors import InputError

if TYPE_CHECKING:
    from hvit_edge.coreml.runner import PackageClassifier
    from hvit_edge.devices import DeviceClassifier
    from hvit_edge.runtime import Classifier

AnyClassifier: TypeAlias = "Classifier | PackageClassifier | DeviceClassifier"


def open_classifier(
    path: str | Path, *, threads: int = 0, device: str = "local", method: str = ""
) -> AnyClassifier:
    """Return a classifier of photos for an artifact.

    Args:
        path: a `.pte` or `.mlpackage` written by hvit-edge.
        threads: see `runtime.Session` and `coreml.runner.PackageClassifier`.
        device: device on which it runs, see `devices.open_device`; "local" is this machine.
        method: see `runtime.Classifier`; only for a file on this machine.

    Raises:
        InputError: there is no such file, the number of threads is impossible, there is no such
            kind of device, a package is given for a device, or there is no such method.
        ArtifactError: the artifact is damaged, not from hvit-edge, or too new.
        DeviceError: the device cannot be used. Usually this is known only at the first photo.
    """
    if method and (device != "local" or is_package(path)):
        raise InputError(
            f"[run] --method (method=): expected none for {path if device == 'local' else device};"
            " name a method of a .pte on this machine"
        )
    if device != "local":
        from hvit_edge.devices import DeviceClassifier, Runner, open_device

        return DeviceClassifier(path, Runner(open_device(device)), threads=threads)
    if is_package(path):
        check_exists(path)
        from hvit_edge.coreml.runner import PackageClassifier

        return PackageClassifier(path, threads=threads)
    from hvit_edge.runtime import Classifier

    return Classifier(path, threads=threads, method=method)


def task_of(path: str | Path) -> str:
    """Return the task of an artifact; the program is not prepared.

    Raises:
        InputError: there is no such file.
        ArtifactError: the artifact is damaged, not from hvit-edge, or too new.
    """
    if is_package(path):
        return task_of_package(path)
    from hvit_edge.runtime import Session

    return Session(path, prepare=False).metadata.task


def task_of_package(path: str | Path) -> str:
    """Return the task of a package.

    A package that is not from hvit-edge counts as a classifier, and is refused later.

    Raises:
        ArtifactError: the package is missing or damaged.
    """
    check_exists(path)
    from hvit_edge.coreml import read_package

    return read_package(path).metadata.get("hve_task", CLASSIFY)


def read_identity(path: str | Path, method: str = "") -> tuple[Metadata, int]:
    """Return the metadata of an artifact and its number of classes, without preparing the program.

    Args:
        path: a `.pte` or `.mlpackage` written by hvit-edge.
        method: the method of a file with several that is described; empty for the first one.

    Raises:
        InputError, ArtifactError: see `open_classifier`.
    """
    if is_package(path):
        from hvit_edge.coreml import read_package
        from hvit_edge.coreml.metadata import read_metadata

        metadata, golden = read_metadata(read_package(path).metadata)
        return metadata, golden.output.shape[1]
    from hvit_edge.runtime import Session

    session = Session(path, prepare=False, method=method)
    return session.metadata, ([1, *session.outputs[0].shape])[-1]

"""Opening an artifact of either kind: a `.pte` file or an `.mlpackage` folder.

Imports neither torch nor coremltools unless the artifact is a package.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from hvit_edge.artifact.kinds import is_package
from hvit_edge.artifact.metadata import CLASSIFY, Metadata

if TYPE_CHECKING:
    from hvit_edge.coreml.runner import PackageClassifier
    from hvit_edge.devices import DeviceClassifier
    from hvit_edge.runtime import Classifier

AnyClassifier: TypeAlias = "Classifier | PackageClassifier | DeviceClassifier"


def open_classifier(path: str | Path, *, threads: int = 0, device: str = "local") -> AnyClassifier:
    """An artifact, ready to classify photos.

    Args:
        path: a `.pte` or `.mlpackage` written by hvit-edge.
        threads: see `runtime.Session` and `coreml.runner.PackageClassifier`.
        device: where it runs, see `devices.open_device`; "local" is this machine.

    Raises:
        InputError: no such file, an impossible number of threads, no such kind of device, or a
            package for a device.
        ArtifactError: the artifact is damaged, foreign or too new.
        DeviceError: the device cannot be used; more often, that shows at the first photo.
    """
    if device != "local":
        from hvit_edge.devices import DeviceClassifier, Runner, open_device

        return DeviceClassifier(path, Runner(open_device(device)), threads=threads)
    if is_package(path):
        from hvit_edge.coreml.runner import PackageClassifier

        return PackageClassifier(path, threads=threads)
    from hvit_edge.runtime import Classifier

    return Classifier(path, threads=threads)


def task_of_package(path: str | Path) -> str:
    """Return what a package does; whatever is no package of ours classifies, and is refused then.

    Raises:
        ArtifactError: the package is damaged.
    """
    from hvit_edge.coreml import read_package

    return read_package(path).metadata.get("hve_task", CLASSIFY)


def read_identity(path: str | Path) -> tuple[Metadata, int]:
    """What an artifact says of itself, and its number of classes; the program is not prepared.

    Raises:
        InputError, ArtifactError: as `open_classifier`.
    """
    if is_package(path):
        from hvit_edge.coreml import read_package
        from hvit_edge.coreml.metadata import read_metadata

        metadata, golden = read_metadata(read_package(path).metadata)
        return metadata, golden.output.shape[1]
    from hvit_edge.runtime import Session

    session = Session(path, prepare=False)
    return session.metadata, ([1, *session.outputs[0].shape])[-1]

"""Open an artifact of a task of photos, here or on a device."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from hvit_edge.artifact.kinds import check_exists, is_package
from hvit_edge.artifact.metadata import Metadata
from hvit_edge.devices import LOCAL
from hvit_edge.devices.device import Device
from hvit_edge.devices.runner import Runner
from hvit_edge.errors import InputError
from hvit_edge.runtime import Detector, Embedder, Segmenter, SelfTest, Session, as_pixels
from hvit_edge.runtime.decode import Answer, decode
from hvit_edge.tasks.names import DETECT, EMBED, SEGMENT

CLASSES = {EMBED: Embedder, SEGMENT: Segmenter, DETECT: Detector}
"""The classes of the runtime, by task."""


@dataclass(frozen=True)
class DecodedTask:
    """Runs a program that returns outputs only, and computes the answers in numpy.

    It has the interface of `Embedder`, `Segmenter` and `Detector`, as far as evaluations use it.

    Attributes:
        metadata: metadata of the artifact.
        backend: name of what runs the program.
        run: returns the outputs for a photo, uint8 RGB [height, width, 3].
        classes: number of classes, as of `Segmenter` or `Detector`.
        self_test: compares the outputs for the golden photo with those of eager PyTorch.
    """

    metadata: Metadata
    backend: str
    run: Callable[[np.ndarray], tuple[np.ndarray, ...]]
    self_test: Callable[[], SelfTest]
    classes: int = 0

    def outputs(self, image: Any) -> list[np.ndarray]:
        """Return the outputs for one photo; see `runtime.Segmenter`."""
        return list(self.run(as_pixels(image)))

    def __call__(self, image: Any, **options: Any) -> Answer:
        """Return the answer for one photo; `options` as in `runtime.decode`."""
        pixels = as_pixels(image)
        return decode(self.metadata, self.outputs(pixels), *pixels.shape[:2], **options)


AnyTask: TypeAlias = Embedder | Segmenter | Detector | DecodedTask


def open_task(
    path: str | Path, *, threads: int = 0, device: str = LOCAL, method: str = ""
) -> AnyTask:
    """Return what answers photos with an artifact of the task "embed", "segment" or "detect".

    Args:
        path: a `.pte` or `.mlpackage` written by hvit-edge.
        threads: number of threads; 0 lets the runtime choose.
        device: device on which the program runs, see `devices.open_device`; photos are preprocessed
            on this machine, and answers are computed here.
        method: must be empty, because artifacts of these tasks have one method.

    Raises:
        InputError: there is no such file, it has another task, a method is named, or a package is
            given for a device.
        ArtifactError: the artifact is damaged, not from hvit-edge, or too new.
        DeviceError: the device cannot be used. Usually this is known only at the first photo.
    """
    if is_package(path):
        return _of_package(path, threads, device, method)
    session = Session(path, prepare=False)
    metadata = session.metadata
    if metadata.task not in CLASSES:
        raise InputError(
            f"[run] expected an artifact of the task {', '.join(CLASSES)}, got one of the task"
            f" {metadata.task}: {path}; use Classifier or Session"
        )
    if method:
        raise InputError(
            f"[run] --method (method=): expected none with the task {metadata.task}, whose"
            f" artifacts have one input size, got {method}; leave it out"
        )
    if device == LOCAL:
        return CLASSES[metadata.task](path, threads=threads)
    from hvit_edge.devices import open_device

    return _on_device(Path(path), session, open_device(device), threads)


def _on_device(path: Path, session: Session, device: Device, threads: int) -> DecodedTask:
    runner, metadata = Runner(device), session.metadata

    def run(pixels: np.ndarray) -> tuple[np.ndarray, ...]:
        inputs = [(metadata.preprocess(pixels),)]
        return runner.run_arrays(path, inputs, threads=threads)[0]

    return DecodedTask(
        metadata=metadata,
        backend=f"C++ runtime on {device.name}",
        run=run,
        self_test=lambda: SelfTest(**runner.self_test(path, threads=threads)),
        classes=class_count(metadata.task, session.outputs[0].shape),
    )


def class_count(task: str, shape: tuple[int, ...]) -> int:
    """Return the number of classes of a network, for "detect" without the background.

    Args:
        task: the task.
        shape: shape of the first output.
    """
    return {SEGMENT: shape[1], DETECT: shape[-1] - 1}.get(task, 0)


def _of_package(path: str | Path, threads: int, device: str, method: str) -> DecodedTask:
    if device != LOCAL:
        raise InputError(
            f"[device] expected a .pte file, got the package {path}: the runner has no Core ML;"
            " open packages on a Mac"
        )
    if method:
        raise InputError(
            f"[run] --method (method=): expected none for the package {path}, which has one input"
            " size; leave it out"
        )
    check_exists(path)
    from hvit_edge.coreml.photo_package import PhotoPackage

    package = PhotoPackage(path, threads=threads)
    return DecodedTask(
        metadata=package.metadata,
        backend=package.backend,
        run=lambda pixels: tuple(package.outputs(pixels)),
        self_test=package.self_test,
        classes=class_count(package.metadata.task, package.specs[0].shape),
    )

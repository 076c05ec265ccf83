"""Open an artifact of any kind for a validation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from hvit_edge.artifact.container import Golden, GoldenPhoto, GoldenTensors
from hvit_edge.artifact.kinds import is_package
from hvit_edge.artifact.metadata import CLASSIFY, TENSOR, Metadata
from hvit_edge.artifact.methods import entry_of
from hvit_edge.coreml.open_program import CORE_ML
from hvit_edge.coreml.photo_package import PhotoPackage
from hvit_edge.coreml.runner import PackageClassifier
from hvit_edge.devices.open_artifact import task_of_package
from hvit_edge.devices.open_task import class_count
from hvit_edge.errors import InputError
from hvit_edge.parity.golden_file import (
    read_golden,
    read_golden_photo,
    read_golden_tensors,
)
from hvit_edge.runtime import Session
from hvit_edge.targets.target import Run, Sample, photo_sample
from hvit_edge.tensors.package_session import PackageSession

EXECUTORCH = ("xnnpack", "coreml-pte")
"""The targets whose programs also run in ExecuTorch's own Python runtime."""


@dataclass(frozen=True)
class Opened:
    """Holds an open artifact of any kind and task.

    Attributes:
        path: path of the file or package.
        metadata: its metadata.
        golden: its golden sample; None for a `.pte` that classifies photos and has no answer of a
            quantized graph.
        golden_sample: returns the golden sample as an input of `run`.
        run: runs the program.
        step: name of the step in the report: "runtime", "evaluated" or "predicted".
        backend: what runs the program, for the report.
        shapes: shapes of the inputs.
        classes: number of classes of the first output, if it is [N, classes], or as
            `open_task.class_count` says for the tasks of photos; else None.
        batch: number of photos of an input, for the task "classify".
    """

    path: Path
    metadata: Metadata
    golden: Golden | GoldenPhoto | GoldenTensors | None
    golden_sample: Callable[[], Sample]
    run: Run
    step: str
    backend: str
    shapes: tuple[tuple[int, ...], ...]
    classes: int | None
    batch: int = 1

    @property
    def entry(self) -> str:
        """Return the name of the method in the ExecuTorch program."""
        return entry_of(self.metadata.methods, self.metadata.method)

    @property
    def in_executorch(self) -> bool:
        """Return True if ExecuTorch's own Python runtime has the backend of the program."""
        return self.metadata.target in EXECUTORCH


def open_for_parity(path: Path, *, threads: int, method: str = "") -> Opened:
    """Open an artifact for a validation.

    Args:
        path: a `.pte` or `.mlpackage` written by `compile`.
        threads: number of threads that run the program; 0 for its default.
        method: the method of an artifact with several; empty for the first one.

    Raises:
        ArtifactError: the artifact cannot be used.
        InputError: the file does not exist, or it has no such method.
    """
    if method and is_package(path):
        raise InputError(
            f"[validate] --method (method=): expected none for the package {path}, which has one"
            " input size; leave it out"
        )
    if is_package(path):
        packages = {TENSOR: _tensor_package, CLASSIFY: _photo_package}
        return packages.get(task_of_package(path), _task_package)(path, threads)
    session = Session(path, threads=threads, method=method)
    programs = {TENSOR: _tensor_program, CLASSIFY: _photo_program}
    return programs.get(session.metadata.task, _task_program)(path, session)


def _photo_program(path: Path, session: Session) -> Opened:
    metadata = session.metadata
    golden, batch = read_golden(path, metadata.method), session.inputs[0].shape[0]
    return Opened(
        path=path,
        metadata=metadata,
        golden=golden,
        golden_sample=lambda: photo_sample(metadata.preprocess, golden.image, batch),
        run=lambda sample: tuple(session(*sample.arrays)),
        step="runtime",
        backend="C++ runtime",
        shapes=tuple(spec.shape for spec in session.inputs),
        classes=session.outputs[0].shape[-1],
        batch=batch,
    )


def _photo_package(path: Path, threads: int) -> Opened:
    classifier = PackageClassifier(path, threads=threads)
    pixels = classifier.golden.image
    example = classifier.metadata.preprocess.normalise(pixels)
    return Opened(
        path=path,
        metadata=classifier.metadata,
        golden=classifier.golden,
        golden_sample=lambda: Sample((example,), pixels),
        run=lambda sample: (classifier.predict(sample.pixels),),
        step=_package_step(classifier.backend),
        backend=classifier.backend,
        shapes=(example.shape,),
        classes=classifier.classes,
    )


def _task_package(path: Path, threads: int) -> Opened:
    package = PhotoPackage(path, threads=threads)
    pixels = package.golden.image
    example = package.preprocess.normalise(pixels)
    return Opened(
        path=path,
        metadata=package.metadata,
        golden=package.golden,
        golden_sample=lambda: Sample((example,), pixels),
        run=lambda sample: package.predict(sample.pixels),
        step=_package_step(package.backend),
        backend=package.backend,
        shapes=(example.shape,),
        classes=class_count(package.metadata.task, package.specs[0].shape) or None,
    )


def _tensor_program(path: Path, session: Session) -> Opened:
    golden = read_golden_tensors(path, session.metadata)
    return Opened(
        path=path,
        metadata=session.metadata,
        golden=golden,
        golden_sample=lambda: Sample(golden.inputs),
        run=lambda sample: tuple(session(*sample.arrays)),
        step="runtime",
        backend="C++ runtime",
        shapes=tuple(spec.shape for spec in session.inputs),
        classes=_classes(session.outputs[0].shape),
    )


def _task_program(path: Path, session: Session) -> Opened:
    metadata = session.metadata
    golden = read_golden_photo(path, metadata)
    return Opened(
        path=path,
        metadata=metadata,
        golden=golden,
        golden_sample=lambda: photo_sample(metadata.preprocess, golden.image),
        run=lambda sample: tuple(session(*sample.arrays)),
        step="runtime",
        backend="C++ runtime",
        shapes=tuple(spec.shape for spec in session.inputs),
        classes=class_count(metadata.task, session.outputs[0].shape) or None,
    )


def _tensor_package(path: Path, threads: int) -> Opened:
    session = PackageSession(path, threads=threads)
    return Opened(
        path=path,
        metadata=session.metadata,
        golden=session.golden,
        golden_sample=lambda: Sample(session.golden.inputs),
        run=lambda sample: tuple(session(*sample.arrays)),
        step=_package_step(session.backend),
        backend=session.backend,
        shapes=tuple(spec.shape for spec in session.inputs),
        classes=_classes(session.outputs[0].shape),
    )


def _package_step(backend: str) -> str:
    return "predicted" if backend == CORE_ML else "evaluated"


def _classes(shape: tuple[int, ...]) -> int | None:
    return shape[1] if len(shape) == 2 else None

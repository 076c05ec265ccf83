"""An artifact that is validated: what runs it, and what it says of itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from hvit_edge.artifact.container import Golden, GoldenTensors
from hvit_edge.artifact.kinds import is_package
from hvit_edge.artifact.metadata import TENSOR, Metadata
from hvit_edge.coreml.runner import CORE_ML
from hvit_edge.devices.open_artifact import task_of_package
from hvit_edge.parity.golden_file import read_golden, read_golden_tensors
from hvit_edge.runtime import Session
from hvit_edge.targets.target import Run, Sample, photo_sample

EXECUTORCH = ("xnnpack", "coreml-pte")
"""The targets whose programs ExecuTorch's own Python runtime runs as well."""


@dataclass(frozen=True)
class Opened:
    """An artifact of either kind and of either task.

    Attributes:
        path: of the file or package.
        metadata: what it says of itself.
        golden: its golden sample; None if the quantized graph's answer is not in it.
        golden_sample: the same as an input.
        run: runs the program.
        step: the name of the step that this is: "runtime", "evaluated" or "predicted".
        backend: what runs the program, for the report.
        shapes: of the inputs.
        classes: of an output [N, classes], for a model that is built again.
    """

    path: Path
    metadata: Metadata
    golden: Golden | GoldenTensors | None
    golden_sample: Callable[[], Sample]
    run: Run
    step: str
    backend: str
    shapes: tuple[tuple[int, ...], ...]
    classes: int | None

    @property
    def in_executorch(self) -> bool:
        """Whether ExecuTorch's own Python runtime has the program's backend."""
        return self.metadata.target in EXECUTORCH


def open_for_parity(path: Path, *, threads: int) -> Opened:
    """Open an artifact.

    Args:
        path: a `.pte` or `.mlpackage` written by `compile`.
        threads: of what runs the program, 0 for its default.

    Raises:
        ArtifactError: the artifact is unusable.
        InputError: there is no such file.
    """
    if is_package(path):
        tensors = task_of_package(path) == TENSOR
        return (_tensor_package if tensors else _photo_package)(path, threads)
    session = Session(path, threads=threads)
    tensors = session.metadata.task == TENSOR
    return (_tensor_program if tensors else _photo_program)(path, session)


def _photo_program(path: Path, session: Session) -> Opened:
    metadata, golden = session.metadata, read_golden(path)
    return Opened(
        path=path,
        metadata=metadata,
        golden=golden,
        golden_sample=lambda: photo_sample(metadata.preprocess, golden.image),
        run=lambda sample: tuple(session(*sample.arrays)),
        step="runtime",
        backend="C++ runtime",
        shapes=tuple(spec.shape for spec in session.inputs),
        classes=session.outputs[0].shape[-1],
    )


def _photo_package(path: Path, threads: int) -> Opened:
    from hvit_edge.coreml.runner import PackageClassifier

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


def _tensor_package(path: Path, threads: int) -> Opened:
    from hvit_edge.tensors.package_session import PackageSession

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

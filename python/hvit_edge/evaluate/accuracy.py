"""Accuracy of an artifact on labelled images, through what runs it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np

from hvit_edge import progress as progress_bars
from hvit_edge.datasets import FirstFew, ImageSet, open_images
from hvit_edge.devices import LOCAL
from hvit_edge.devices.open_artifact import (
    AnyClassifier,
    is_package,
    open_classifier,
    read_identity,
)
from hvit_edge.errors import InputError
from hvit_edge.evaluate.report import (
    ClassAccuracy,
    Confusion,
    EmptyClass,
    EvalReport,
    Mistake,
    Outcome,
    empty_classes,
    summarise,
)
from hvit_edge.evaluate.state import EvalState, describe_evaluation
from hvit_edge.evaluate.workers import Eager, Workers
from hvit_edge.images.file_names import printable

__all__ = [
    "ClassAccuracy",
    "Confusion",
    "Eager",
    "EmptyClass",
    "EvalReport",
    "Mistake",
    "eager_reference",
    "evaluate",
    "refuse_empty",
]


def evaluate(
    artifact_path: str | Path,
    data: str | Path,
    *,
    limit: int | None = None,
    threads: int = 0,
    batch: int = 32,
    workers: int = 1,
    resume: str | Path | None = None,
    eager: Eager | None = None,
    progress: progress_bars.Wrap = progress_bars.silent,
    device: str = LOCAL,
    allow_empty: bool = False,
) -> EvalReport:
    """Classify labelled images with the C++ runtime, or a package with what runs it here.

    Args:
        artifact_path: a `.pte` or `.mlpackage` written by hvit-edge.
        data: NPZ file or folder with one subfolder a class (see `hvit_edge.datasets`).
        limit: classify at most so many images, spread evenly over the set.
        threads: 0 chooses by the machine; the workers share them. Of a package, each worker's.
        batch: how many images are handed to a worker, and recorded, at a time. The runtime takes
            them one by one.
        workers: how many batches are classified at a time, each with a copy of the program. Never
            more copies are loaded than there are batches. The report is the same for any number.
        resume: a file that takes every finished batch. Where it exists, its images are not
            classified again, so an interrupted evaluation goes on; `batch`, `workers` and
            `threads` may change. None records nothing.
        eager: reference from photo to logits, compared image by image; called from one thread at
            a time. `resume` notes that there is one, not which.
        progress: wraps the loop, for instance `hvit_edge.progress.bar("eval")`.
        device: what classifies, see `devices.open_device`; photos are preprocessed here.
        allow_empty: accept class folders of which no image can be read; the report names them
            in any case.

    Raises:
        InputError: data that does not fit the network, no readable image, a class without one, a
            number below 1, or a `resume` file that cannot be written or is not of this evaluation.
        ArtifactError: the artifact cannot be used.
        ParityError: the runtime or `eager` answers NaN or infinity.
        DeviceError: the device cannot be reached, or died; `resume` goes on from there.
    """
    _check_counts(batch=batch, workers=workers)

    def load() -> AnyClassifier:
        return open_classifier(artifact_path, threads=threads, device=device)

    first = load()
    labels, classes = list(first.metadata.labels), first.classes
    images = open_images(data, classes=classes, class_names=labels).take(limit)
    if device != LOCAL:  # which takes whole batches: one photo must not stop the others
        images = images.checked(first.metadata.preprocess.check_photo)
    if not allow_empty:  # before the work
        refuse_empty(data, empty_classes([], images, labels))
    state = None
    if resume is not None:
        header = describe_evaluation(
            artifact_path, images, limit=limit, against_eager=eager is not None
        )
        if is_package(artifact_path) or device != LOCAL:
            header["backend"] = first.backend  # each rounds in its own way
        state = EvalState(resume, header, classes)
    # Closed at once when interrupted: Python would else finish every batch before it exits.
    with closing(_outcomes(images, first, load, eager, batch, workers, state)) as running:
        outcomes = list(progress(running, len(images)))
    report = summarise(
        outcomes,
        images,
        labels,
        artifact=str(artifact_path),
        data=str(data),
        against_eager=eager is not None,
        backend=first.backend,
        classes=classes,
    )
    if not allow_empty:
        refuse_empty(data, report.empty_classes)
    return report


def refuse_empty(data: str | Path, empty: Sequence[EmptyClass]) -> None:
    """Raise InputError if there are classes without an image that could be read."""
    if empty:
        named = FirstFew.of([str(one) for one in empty])
        raise InputError(
            f"[evaluate] {printable(data)}: expected an image that can be read in every class"
            f" folder, got none in {named}; add some, remove the folder, or pass --allow-empty"
            " (allow_empty=True)"
        )


def _check_counts(**counts: int) -> None:
    faults = [
        f"{name}: expected a whole number of at least 1, got {value!r}"
        for name, value in counts.items()
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1
    ]
    if faults:
        raise InputError(f"[evaluate] {'; '.join(faults)}")


def _outcomes(
    images: ImageSet,
    first: AnyClassifier,
    load: Callable[[], AnyClassifier],
    eager: Eager | None,
    batch: int,
    workers: int,
    state: EvalState | None,
) -> Iterator[Outcome]:
    """One outcome an image, in order: first those that `state` holds, then the others."""
    done = list(state.outcomes) if state else []
    yield from done
    starts = range(len(done), len(images), batch)
    batches = [range(start, min(start + batch, len(images))) for start in starts]
    if not batches:
        return
    if state:
        state.prepare()  # a file that cannot be written must show before the work
    classifiers = [first] + [load() for _ in range(min(workers, len(batches)) - 1)]
    with Workers(classifiers, images, eager) as pool:
        for outcomes in pool.run(batches):
            if state:
                state.append(outcomes)
            yield from outcomes


def eager_reference(
    artifact_path: str | Path,
    weights: str | Path | None = None,
    model: str | None = None,
    args: Mapping[str, Any] | None = None,
) -> Eager:
    """The PyTorch model that an artifact was compiled from, with the artifact's preprocessing.

    Args:
        artifact_path: a `.pte` or `.mlpackage` written by hvit-edge.
        weights: where its weights are, as for `create_model`; None is what the artifact says.
        model, args: the address of its module and the factory's arguments, as for `validate`.

    Raises:
        InputError: the weights cannot be found, or are not those of the artifact.
    """
    import torch

    from hvit_edge.parity.reference import reference_model

    metadata, classes = read_identity(artifact_path)
    model = reference_model(
        metadata, classes, weights=weights, model=model, args=args, artifact=artifact_path
    )

    def run(image: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            return model(torch.from_numpy(metadata.preprocess(image))).numpy()

    return run

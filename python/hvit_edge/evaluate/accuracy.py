"""Measure the accuracy of an artifact on labeled images."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from hvit_edge import progress as progress_bars
from hvit_edge.datasets import FirstFew, open_images
from hvit_edge.devices import LOCAL
from hvit_edge.devices.addresses import addresses_of, names_several
from hvit_edge.devices.open_artifact import (
    AnyClassifier,
    is_package,
    open_classifier,
    read_identity,
)
from hvit_edge.errors import InputError
from hvit_edge.evaluate.on_ray import check_local, spread_outcomes
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
from hvit_edge.ray.cluster import Cluster
from hvit_edge.sources.address import Address

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
    method: str = "",
    cluster: Cluster | None = None,
) -> EvalReport:
    """Classify labeled images with the C++ runtime, or with Core ML or the evaluator for a package.

    Args:
        artifact_path: a `.pte` or `.mlpackage` written by hvit-edge.
        data: NPZ file, or folder with one subfolder per class (see `hvit_edge.datasets`).
        limit: classify at most this many images, spread evenly over the set.
        threads: number of threads; 0 lets the runtime choose. Workers share them; for a package,
            each worker has this number.
        batch: number of images that a worker classifies, and that are recorded, at a time. The
            runtime runs them one by one.
        workers: number of batches that are classified in parallel, each with a copy of the program.
            No more copies are loaded than there are batches. The report does not depend on it.
        resume: a file in which every finished batch is recorded. If it exists, its images are not
            classified again, so an interrupted evaluation continues; `batch`, `workers` and
            `threads` may change. With None nothing is recorded.
        eager: reference that maps a photo to logits, compared image by image; called from one
            thread at a time. `resume` records that there is one, but not which.
        progress: wraps the loop, for instance `hvit_edge.progress.bar("eval")`.
        device: device that classifies, see `devices.open_device`; photos are preprocessed locally.
        allow_empty: accept class folders without a readable image; the report names them in any
            case.
        method: the method of an artifact with several, see `runtime.Classifier`; empty lets each
            photo choose.
        cluster: a Ray cluster whose workers classify the batches, instead of `workers` and
            `threads` here; the report is the same. Workers and nodes that are lost are replaced.

    Returns:
        The report.

    Raises:
        InputError: the data does not fit the network, no image is readable, a class has none, a
            number is below 1, or the `resume` file cannot be written or belongs to another
            evaluation.
        ArtifactError: the artifact cannot be used.
        ParityError: the runtime or `eager` returns NaN or infinity.
        DeviceError: the device cannot be reached, or was lost; with `resume`, the next call
            continues from there.
    """
    _check_counts(batch=batch, workers=workers)
    if cluster is not None:
        check_local("evaluate", device)

    devices = addresses_of(device) if names_several(device) else [device]

    def load(address: str) -> AnyClassifier:
        return open_classifier(artifact_path, threads=threads, device=address, method=method)

    first = load(devices[0])
    backend = ", ".join([first.backend, *(f"C++ runtime on {more}" for more in devices[1:])])
    lost: dict[str, str] = {}
    labels, classes = list(first.metadata.labels), first.classes
    images = open_images(data, classes=classes, class_names=labels).take(limit)
    if device != LOCAL:  # devices run complete batches, which one bad photo must not stop
        images = images.checked(first.metadata.preprocess.check_photo)
    if not allow_empty:  # before the work
        refuse_empty(data, empty_classes([], images, labels))
    state = None
    if resume is not None:
        header = describe_evaluation(
            artifact_path, images, limit=limit, against_eager=eager is not None
        )
        if is_package(artifact_path) or device != LOCAL:
            header["backend"] = backend  # backends round differently
        if method:
            header["method"] = method
        state = EvalState(resume, header, classes)

    def run(batches: Sequence[range]) -> Iterator[list[Outcome]]:
        if cluster is not None:
            yield from spread_outcomes(cluster, artifact_path, images, batches, eager, method)
            return
        again = [devices[0]] * (min(workers, len(batches)) - 1)
        more = devices[1:] if len(devices) > 1 else again
        with Workers([first, *map(load, more)], images, eager) as pool:
            yield from pool.run(batches)
            lost.update(pool.lost)

    # Close it immediately on an interrupt; otherwise Python finishes all batches before it exits.
    with closing(_outcomes(len(images), batch, run, state)) as running:
        outcomes = list(progress(running, len(images)))
    report = summarise(
        outcomes,
        images,
        labels,
        artifact=str(artifact_path),
        data=str(data),
        against_eager=eager is not None,
        backend=backend,
        classes=classes,
    )
    if not allow_empty:
        refuse_empty(data, report.empty_classes)
    return replace(report, lost_devices=lost)


def refuse_empty(data: str | Path, empty: Sequence[EmptyClass]) -> None:
    """Raise InputError if there are classes without a readable image."""
    if empty:
        named = FirstFew.of([str(one) for one in empty])
        raise InputError(
            f"[evaluate] {printable(data)}: expected a readable image in every class folder, got"
            f" none in {named}; add images, remove the folder, or pass --allow-empty"
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
    images: int,
    batch: int,
    run: Callable[[Sequence[range]], Iterator[list[Outcome]]],
    state: EvalState | None,
) -> Iterator[Outcome]:
    """Yield one outcome per image, in order: first those recorded in `state`, then the others.

    Args:
        images: number of images.
        batch: number of images that are classified at a time.
        run: yields the outcomes of each batch, in order.
        state: what is recorded, and records more.
    """
    done = list(state.outcomes) if state else []
    yield from done
    starts = range(len(done), images, batch)
    batches = [range(start, min(start + batch, images)) for start in starts]
    if not batches:
        return
    if state:
        state.prepare()  # if the file cannot be written, fail before the work
    with closing(run(batches)) as running:
        for outcomes in running:
            if state:
                state.append(outcomes)
            yield from outcomes


def eager_reference(
    artifact_path: str | Path,
    weights: str | Path | None = None,
    model: str | Address | None = None,
    args: Mapping[str, Any] | None = None,
    method: str = "",
) -> Eager:
    """Return the PyTorch model of an artifact as a function, with the artifact's preprocessing.

    Args:
        artifact_path: a `.pte` or `.mlpackage` written by hvit-edge.
        weights: source of its weights, see `create_model`; None for the one that is recorded.
        model, args: address of its module, and arguments of the factory, see `validate`.
        method: the method of an artifact with several, whose input size the model gets.

    Returns:
        A function that maps uint8 RGB [height, width, 3] to logits, float32 [1, classes].

    Raises:
        InputError: the weights cannot be found, or are not those of the artifact; or it has several
            methods and none is named.
    """
    import torch

    from hvit_edge.parity.reference import Given, reference_model

    metadata, classes = read_identity(artifact_path, method)
    if metadata.methods and not method:
        names = ", ".join(each.name for each in metadata.methods if each.batch == 1)
        raise InputError(
            "[evaluate] expected --method NAME (method=) to compare with eager PyTorch at one input"
            f" size, got an artifact of several; name one of {names}"
        )
    given = Given(model=model, weights=weights, args=args)
    model = reference_model(metadata, classes, given, artifact=artifact_path)

    def run(image: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            return model(torch.from_numpy(metadata.preprocess(image))).numpy()

    return run

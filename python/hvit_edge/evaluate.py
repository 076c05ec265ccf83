"""Accuracy of an artifact on labelled images, through the C++ runtime."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from hvit_edge import progress as progress_bars
from hvit_edge.datasets import ImageSet, Sample, Skipped, open_images
from hvit_edge.errors import ParityError

Eager = Callable[[np.ndarray], np.ndarray]
"""From uint8 RGB [height, width, 3] to logits, float32 [1, classes]."""


@dataclass(frozen=True)
class ClassAccuracy:
    """One class: its name, how many images, and the shares (0 to 1) found."""

    label: str
    index: int
    images: int
    top1: float
    top5: float


@dataclass(frozen=True)
class EvalReport:
    """What `evaluate` measured; shares are from 0 to 1.

    Attributes:
        top1, top5: share of images whose class is the first, is among the first five.
        images: how many were read and classified.
        skipped: the unreadable ones, with the reason.
        per_class: one row for every class that has images.
        eager_top1: top-1 of the eager model; None where none was given.
        agreement: share of images on which both give the same first class; None likewise.
    """

    artifact: str
    data: str
    top1: float
    top5: float
    images: int
    skipped: list[Skipped]
    per_class: list[ClassAccuracy]
    eager_top1: float | None = None
    agreement: float | None = None

    def to_dict(self) -> dict:
        return asdict(self)


def evaluate(
    artifact_path: str | Path,
    data: str | Path,
    *,
    limit: int | None = None,
    threads: int = 0,
    eager: Eager | None = None,
    progress: progress_bars.Wrap = progress_bars.silent,
) -> EvalReport:
    """Classify labelled images with the C++ runtime.

    Args:
        artifact_path: a `.pte` written by hvit-edge.
        data: NPZ file or folder with one subfolder a class (see `hvit_edge.datasets`).
        limit: classify at most so many images, spread evenly over the set.
        threads: 0 chooses by the machine.
        eager: reference from photo to logits, compared image by image.
        progress: wraps the loop, for instance `hvit_edge.progress.bar("eval")`.

    Raises:
        InputError: data that does not fit the network, or no readable image.
        ArtifactError: the artifact cannot be used.
    """
    from hvit_edge.runtime import Classifier

    classifier = Classifier(artifact_path, threads=threads)
    labels = list(classifier.session.metadata.labels)
    classes = int(classifier.session.outputs[0].shape[-1])
    images = open_images(data, classes=classes, class_names=labels).take(limit)
    ranks, eager_ranks, truth, agree = _rank_all(images, classifier.logits, eager, progress)
    return EvalReport(
        artifact=str(artifact_path),
        data=str(data),
        top1=float(np.mean(ranks < 1)),
        top5=float(np.mean(ranks < 5)),
        images=len(ranks),
        skipped=images.skipped,
        per_class=_per_class(ranks, truth, labels),
        eager_top1=float(np.mean(eager_ranks < 1)) if eager else None,
        agreement=float(np.mean(agree)) if eager else None,
    )


def eager_reference(artifact_path: str | Path, weights: str | Path | None = None) -> Eager:
    """The PyTorch model that an artifact was compiled from, with the artifact's preprocessing.

    Args:
        artifact_path: a `.pte` written by hvit-edge.
        weights: where its weights are, as for `create_model`; None is what the artifact says.

    Raises:
        InputError: the weights cannot be found, or are not those of the artifact.
    """
    import torch

    from hvit_edge.parity.reference import reference_model
    from hvit_edge.runtime import Session

    session = Session(artifact_path)
    model = reference_model(session, weights=weights)
    metadata = session.metadata

    def run(image: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            return model(torch.from_numpy(metadata.preprocess(image))).numpy()

    return run


def _rank_all(
    images: ImageSet, logits: Eager, eager: Eager | None, progress: progress_bars.Wrap
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    ranks, eager_ranks, truth, agree = [], [], [], []
    for sample in progress(images, len(images)):
        found = _logits(logits, sample)
        ranks.append(_rank(found, sample.label))
        truth.append(sample.label)
        if eager is not None:
            expected = _logits(eager, sample)
            eager_ranks.append(_rank(expected, sample.label))
            agree.append(int(found.argmax()) == int(expected.argmax()))
    return np.array(ranks), np.array(eager_ranks), np.array(truth), np.array(agree)


def _logits(classify: Eager, sample: Sample) -> np.ndarray:
    logits = np.asarray(classify(sample.image)).reshape(-1)
    if not np.isfinite(logits).all():
        raise ParityError(
            f"[evaluate] {sample.name}: expected finite logits, got NaN or infinity;"
            " run hvit-edge validate to find the step that breaks"
        )
    return logits


def _rank(logits: np.ndarray, label: int) -> int:
    """How many classes come before `label`: greater logits, then equal ones of a lower index."""
    own = logits[label]
    return int((logits > own).sum() + (logits[:label] == own).sum())


def _per_class(ranks: np.ndarray, truth: np.ndarray, labels: Sequence[str]) -> list[ClassAccuracy]:
    rows = []
    for index in np.unique(truth):
        own = ranks[truth == index]
        rows.append(
            ClassAccuracy(
                label=labels[index] if index < len(labels) else str(index),
                index=int(index),
                images=len(own),
                top1=float(np.mean(own < 1)),
                top5=float(np.mean(own < 5)),
            )
        )
    return rows

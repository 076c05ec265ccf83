"""Answer the images of a set with an artifact, and with its module in PyTorch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hvit_edge.datasets import ImageSet, Skipped
from hvit_edge.errors import InputError
from hvit_edge.images.file_names import printable

Answering = Callable[[np.ndarray], Any]
"""Maps uint8 RGB [height, width, 3] to the answer of a task."""


@dataclass(frozen=True)
class Answered:
    """Holds an image, and what was answered to it.

    Attributes:
        index: its position in the set.
        name: its name.
        size: its height and width.
        answer: the answer of the artifact.
        eager: the answer of its module in PyTorch; None without one.
    """

    index: int
    name: str
    size: tuple[int, int]
    answer: Any
    eager: Any = None


Spread = Callable[[ImageSet], Iterator[Answered | Skipped]]
"""Answers all images of a set, and yields the results in order."""


def answered(
    images: ImageSet,
    answering: Answering,
    eager: Answering | None,
    skipped: list[Skipped],
    spread: Spread | None = None,
) -> Iterator[Answered | Skipped]:
    """Yield every image with its answers, or why it cannot be read.

    Args:
        images: the images.
        answering, eager: the artifact, and its module in PyTorch.
        skipped: images that cannot be read are appended to it, with the reason.
        spread: answers the images elsewhere instead, with both.

    Raises (while iterating):
        InputError: no image could be read.
    """
    here = (answer_one(images, index, answering, eager) for index in range(len(images)))
    for each in here if spread is None else spread(images):
        if isinstance(each, Skipped):
            skipped.append(each)
        yield each
    if len(skipped) == len(images):
        raise InputError(
            f"[evaluate] {printable(images.source)}: expected readable images, got {len(skipped)}"
            f" unreadable ones, the first: {skipped[0].reason}"
        )


def answer_one(
    images: ImageSet, index: int, answering: Answering, eager: Answering | None
) -> Answered | Skipped:
    """Return the image at a position with its answers, or why it cannot be read."""
    name = images.names[index]
    try:
        image = images.read(index)
        answer = answering(image)
    except InputError as error:
        return Skipped(name, str(error))
    size = image.shape[0], image.shape[1]
    return Answered(index, name, size, answer, None if eager is None else eager(image))


def eager_answers(
    artifact: str | Path,
    weights: str | Path | None = None,
    model: Any = None,
    args: Mapping[str, Any] | None = None,
) -> Answering:
    """Return the module of an artifact in PyTorch, with the artifact's preprocessing and decoding.

    Args:
        artifact: a `.pte` or `.mlpackage` of the task "embed", "segment" or "detect".
        weights, model, args: see `accuracy.eager_reference`.

    Raises:
        InputError: the weights cannot be found, or are not those of the artifact.
    """
    from hvit_edge.parity.reference import Given
    from hvit_edge.parity.reference_task import reference_task
    from hvit_edge.runtime.decode import decode
    from hvit_edge.tensors.eager import eager_outputs

    given = Given(model=model, weights=weights, args=args)
    metadata, function = reference_task(artifact, given)

    def run(image: np.ndarray) -> Any:
        outputs: Sequence[np.ndarray] = eager_outputs(function, (metadata.preprocess(image),))
        return decode(metadata, outputs, *image.shape[:2])

    return run

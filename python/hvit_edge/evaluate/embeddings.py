"""Measure the embeddings of an artifact by the nearest neighbors of labeled images."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from hvit_edge.datasets import FirstFew, ImageSet, Skipped
from hvit_edge.evaluate.answers import unread
from hvit_edge.evaluate.task_answers import Answered, Answering, Spread, answered
from hvit_edge.evaluate.task_report import ClassRecall, EmbedReport
from hvit_edge.measures.neighbors import Neighbors, cosine, rank_neighbors
from hvit_edge.progress import Wrap, silent
from hvit_edge.tasks.names import EMBED

NEAREST = (1, 5, 10)
"""Numbers of nearest images for which the report has the recall."""


def measure_embeddings(
    answering: Answering,
    images: ImageSet,
    names: tuple[str, ...],
    *,
    eager: Answering | None = None,
    progress: Wrap = silent,
    artifact: str = "",
    backend: str = "",
    spread: Spread | None = None,
) -> EmbedReport:
    """Embed all images of a set, and search for the nearest images of each, by their cosine.

    Args:
        answering: maps an image to its embedding, float32 [size].
        images: images with labels, see `annotations.open_labeled`.
        names: names of their classes.
        eager, progress, artifact, backend, spread: see `measure_masks`.

    Raises:
        InputError: no image can be read, or no class has two images.
    """
    skipped: list[Skipped] = []
    results = list(progress(answered(images, answering, eager, skipped, spread), len(images)))
    done = [each for each in results if not isinstance(each, Skipped)]
    labels = [images.labels[each.index] for each in done]
    found = rank_neighbors(np.array([each.answer for each in done]), labels)
    compared = {}
    if eager is not None:
        others = rank_neighbors(np.array([each.eager for each in done]), labels)
        compared["eager_recall"] = _recalls(others)
        compared["agreement"] = min(cosine(each.eager, each.answer) for each in done)
    return EmbedReport(
        task=EMBED,
        artifact=artifact,
        data=images.source,
        backend=backend,
        images=len(done),
        skipped=skipped,
        ignored=images.ignored,
        queries=found.queries,
        recall=_recalls(found),
        per_class=[
            ClassRecall(
                names[label],
                label,
                labels.count(label),
                {str(k): found.recall_of(label, k) for k in NEAREST},
            )
            for label in sorted(set(labels))
        ],
        empty_classes=FirstFew.of(list(images.empty_folders)),
        answers=tuple(_answers(results, images, found)),
        **compared,
    )


def _answers(
    results: Sequence[Answered | Skipped], images: ImageSet, found: Neighbors
) -> Iterator[dict[str, Any]]:
    """Yield the row of each image, see docs/evaluation.md; `found` has those that were read."""
    read = [each.index for each in results if isinstance(each, Answered)]
    place = 0
    for index, each in enumerate(results):
        label = images.labels[index]
        if isinstance(each, Skipped):
            yield unread(index, each.name, each.reason, label=label)
            continue
        rank, nearest = int(found.ranks[place]), read[int(found.nearest[place])]
        place += 1
        yield {
            "index": index,
            "name": each.name,
            "label": label,
            "rank": None if rank < 0 else rank,
            "nearest": nearest,
        }


def _recalls(found: Neighbors) -> dict[str, float]:
    return {str(k): found.recall(k) for k in NEAREST}

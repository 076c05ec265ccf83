"""Measure the embeddings of an artifact by the nearest neighbors of labeled images."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from hvit_edge.datasets import FirstFew, ImageSet, Skipped
from hvit_edge.evaluate.task_answers import Answering, answered
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
) -> EmbedReport:
    """Embed all images of a set, and search for the nearest images of each, by their cosine.

    Args:
        answering: maps an image to its embedding, float32 [size].
        images: images with labels, see `annotations.open_labeled`.
        names: names of their classes.
        eager, progress, artifact, backend: see `measure_masks`.

    Raises:
        InputError: no image can be read, or no class has two images.
    """
    skipped: list[Skipped] = []
    running = answered(images, answering, eager, skipped)
    done = [each for each in progress(_without_pixels(running), len(images)) if each is not None]
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
        **compared,
    )


def _without_pixels(running):
    """Yield what `answered` yields without the images, which need not stay in memory."""
    for each in running:
        yield None if each is None else replace(each, image=None)


def _recalls(found: Neighbors) -> dict[str, float]:
    return {str(k): found.recall(k) for k in NEAREST}

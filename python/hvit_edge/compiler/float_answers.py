"""Measure how alike the answers of two graphs of a task are, for precision "auto"."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch.fx import GraphModule

from hvit_edge.answers.boxes import boxes_of
from hvit_edge.answers.placement import Placement, placement_of
from hvit_edge.artifact.container import Arrays
from hvit_edge.compiler.task_subject import TaskSubject
from hvit_edge.datasets import open_images
from hvit_edge.measures.box_overlap import match_boxes
from hvit_edge.measures.mask_overlap import mask_agreement
from hvit_edge.measures.neighbors import cosine
from hvit_edge.tasks import Detect, Segment
from hvit_edge.tensors.eager import arrays_of, eager_outputs

SAME_BOX = 0.9
"""Least overlap of two boxes of a class that count as the same."""
LEAST_SCORE = 0.3
"""Boxes of lower scores are not compared: they come and go with any rounding."""


class FloatAnswers:
    """Holds preprocessed photos and the answers of the float module to them.

    Photos need no labels. Unreadable images and other files are skipped, and named in a warning.

    Args:
        data: a folder of photos or an NPZ file, see `open_images`.
        subject: the module and its task.

    Attributes:
        inputs: the preprocessed photos.
        truth: empty, because nothing but the module says what is right.
    """

    def __init__(self, data: str | Path, subject: TaskSubject) -> None:
        preprocess = subject.origin.photos
        images = open_images(data).checked(preprocess.check_photo)
        photos = [sample.image for sample in images]
        self.task = subject.task
        self.inputs = [preprocess(photo) for photo in photos]
        self.truth: np.ndarray = np.empty(0, np.int64)
        self._placements = [placement_of(preprocess, *photo.shape[:2]) for photo in photos]
        self._expected = [eager_outputs(subject.function, (array,)) for array in self.inputs]
        for notice in images.notices("datasets"):
            warnings.warn(notice, stacklevel=2)

    def top1(self, graph: GraphModule) -> float:
        """Return how alike the answers of a graph and of the module are, 0 to 1.

        It is the mean over the photos of the cosine of two embeddings, of the overlap of two maps
        over the classes that either has, or of the share of boxes that both find.
        """
        return float(np.mean(self.scores(graph, range(len(self.inputs)))))

    def scores(self, graph: GraphModule, places: Sequence[int]) -> list[float]:
        """Return how alike the answers to the photos at `places` are, each 0 to 1."""
        with torch.inference_mode():
            return [
                self._alike(graph, self.inputs[i], self._expected[i], self._placements[i])
                for i in places
            ]

    def _alike(
        self, graph: GraphModule, photo: np.ndarray, expected: Arrays, placement: Placement
    ) -> float:
        actual = arrays_of(tuple(graph(torch.from_numpy(photo))))
        if isinstance(self.task, Segment):
            one, other = (row[0][0].argmax(0) for row in (expected, actual))
            return mask_agreement(one, other)
        if isinstance(self.task, Detect):
            task = replace(self.task, score_threshold=max(LEAST_SCORE, self.task.score_threshold))
            one, other = (boxes_of(row[0], row[1], task, placement) for row in (expected, actual))
            return match_boxes(one, other, SAME_BOX).share
        return max(0.0, cosine(expected[0], actual[0]))

"""Prepare the subject of a task of photos: a module, photos, and its outputs for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from hvit_edge.artifact.container import Arrays
from hvit_edge.compiler.subject import PhotoModule, in_few_colors
from hvit_edge.compiler.tensor_subject import TensorSubject, run_function
from hvit_edge.errors import InputError
from hvit_edge.targets.target import Sample
from hvit_edge.tasks import Embed, Task
from hvit_edge.tensors.eager import eager_outputs
from hvit_edge.tensors.task_module import TaskModule
from hvit_edge.weights import ARGUMENT, ModelOrigin

GOLDEN = "golden photo"


@dataclass(frozen=True)
class TaskSubject(TensorSubject):
    """Holds the module to compile, photos, and its outputs for them.

    Attributes:
        task: what the outputs mean.
        golden_image: uint8 [height, width, 3].
        photos: the samples with their pixels, the golden photo first.
    """

    task: Task
    golden_image: np.ndarray
    photos: tuple[Sample, ...]

    def with_photos(self, more: Sequence[Sample]) -> TaskSubject:
        """Return the same subject with more photos, and the module's outputs for them."""
        both = self.with_samples([photo.arrays for photo in more])
        return replace(both, photos=(*self.photos, *more))

    def in_few_colors(self) -> TaskSubject:
        """Return the same with a golden photo of the input's size, in few colors to stay small."""
        golden = in_few_colors(self.photos[0], self.origin.photos)
        expected = eager_outputs(self.function, golden.arrays)
        return replace(
            self,
            golden_image=golden.photo,
            photos=(golden, *self.photos[1:]),
            samples=(golden.arrays, *self.samples[1:]),
            expected=(expected, *self.expected[1:]),
        )


def prepare_task(asked: PhotoModule, task: Task) -> TaskSubject:
    """Run a copy of a module on the golden photo, and check that its outputs are those of a task.

    Args:
        asked: the module and the golden photo.
        task: the task.

    Raises:
        InputError: see `prepare_tensors`; or the outputs or labels are not those of the task.
    """
    origin, example = _labels_of(asked.origin, task), asked.sample.arrays
    function, _, expected = run_function(
        asked.module, lambda copy: TaskModule(copy, task), example, GOLDEN, "compile"
    )
    shapes = [array.shape for array in expected]
    task.check_outputs(shapes, "compile")
    _check_floats(expected, task)
    if isinstance(task, Embed) and not function.pooled:
        _check_features(asked.origin, shapes[0][1])
    task.check_labels(origin.labels, shapes, "compile")
    return TaskSubject(
        module=function.model,
        function=function,
        origin=origin,
        registered=asked.registered,
        input_names=(),
        output_names=task.output_names,
        samples=(example,),
        expected=(expected,),
        source=GOLDEN,
        task=task,
        golden_image=asked.golden_image,
        photos=(asked.sample,),
    )


def _labels_of(origin: ModelOrigin, task: Task) -> ModelOrigin:
    """Return the origin without the class names of a classifier that embeds photos."""
    if not isinstance(task, Embed) or origin.labels_source == ARGUMENT:
        return origin
    return replace(origin, labels=(), labels_source="")


def _check_features(origin: ModelOrigin, length: int) -> None:
    """Raise InputError if an embedding is as long as the list of labels that came with a model."""
    named = len(origin.labels) if origin.labels_source != ARGUMENT else 0
    if length == named:
        raise InputError(
            f"[compile] expected features for the task {Embed.name}, got the logits of {named}"
            f" labeled classes from {origin.name}; pass a module that returns what its head reads,"
            " of timm with --arg num_classes=0 (args={'num_classes': 0})"
        )


def _check_floats(outputs: Arrays, task: Task) -> None:
    others = {array.dtype.name for array in outputs} - {"float32"}
    if others:
        raise InputError(
            f"[compile] expected outputs of float32 for the task {task.name}, got"
            f" {', '.join(sorted(others))}; return logits, and leave the choice of classes to the"
            " runtime"
        )

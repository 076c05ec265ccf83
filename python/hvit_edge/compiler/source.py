"""Build what one or several compilations compile, once."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TypeAlias

from torch import nn

from hvit_edge.cache.reuse import Reuse
from hvit_edge.cache.store import open_store
from hvit_edge.compiler.request import Request
from hvit_edge.compiler.subject import Subject, module_of, prepare_subject, read_photo_module
from hvit_edge.compiler.task_choice import chosen_task, photo_task_name
from hvit_edge.compiler.task_subject import TaskSubject, prepare_task
from hvit_edge.compiler.tensor_subject import TensorSubject, check_no_photos, prepare_arrays
from hvit_edge.errors import InputError
from hvit_edge.models import find_sequence_model
from hvit_edge.quantize import Calibration, calibration_inputs
from hvit_edge.sources.address import Address, check_address
from hvit_edge.tasks import Task, task_name
from hvit_edge.tasks.names import CLASSIFY, EMBED, TENSOR

Given: TypeAlias = tuple[
    Address | nn.Module,
    Mapping[str, object] | None,
    object,
    int | None,
    int | tuple[int, int] | None,
    str | None,
]
"""The arguments `model`, `args`, `weights`, `num_classes`, `input_size` and `weights_key` of
`compile`."""


def read_model(model: str | Address | nn.Module) -> Address | nn.Module:
    """Return the address of a model, or the module itself.

    Raises:
        InputError: a string is no address.
    """
    return check_address(model, "compile") if isinstance(model, (str, Address)) else model


class Source:
    """Builds the module and its samples when they are first needed, and keeps them.

    Args:
        given: how the module is made.
        preprocess, labels, inputs, cache, task: see `compile`.
        several: True if several compilations share the module.

    Raises:
        InputError: the task does not exist, or is given with `inputs`.

    Attributes:
        reuse: results of earlier compilations.
        task: name of the task of the artifacts.
    """

    def __init__(
        self,
        given: Given,
        preprocess: object,
        labels: object,
        inputs: object,
        cache: bool,
        several: bool = False,
        task: Task | str | None = None,
    ) -> None:
        self.reuse = Reuse(open_store() if cache else None, several=several)
        self._given, self._preprocess, self._labels = given, preprocess, labels
        self._inputs = inputs
        model = given[0]
        registered = isinstance(model, Address) and model.kind == "registered"
        self._sequence = find_sequence_model(model.name) if registered else None
        self._calibrations: dict[tuple[object, ...], Calibration] = {}
        self._task = task
        self.task = self._task_name()

    def _task_name(self) -> str:
        wanted = task_name(self._task, "compile")
        if self._inputs is None and self._sequence is None:
            return photo_task_name(self._given[0], wanted)
        if wanted is not None:
            raise InputError(
                f"[compile] task: expected none with a model of arrays, got {wanted}; tasks are"
                " those of photos, so leave out --task (task=)"
            )
        return TENSOR

    def build(self) -> None:
        """Build the module now.

        Raises:
            InputError: an argument is wrong; see `compile`.
        """
        _ = self.subject

    @property
    def subject(self) -> Subject | TensorSubject:
        """Return the module with its answers, in the form of its task."""
        if self.task == TENSOR:
            return self.arrays
        return self.photos if self.task == CLASSIFY else self.answers

    @cached_property
    def photos(self) -> Subject:
        """Return the module that classifies photos, with its answer to the golden photo."""
        return prepare_subject(*self._given, self._preprocess, self._labels)

    @cached_property
    def answers(self) -> TaskSubject:
        """Return the module of another task of photos, with its answers to the golden photo."""
        self._check_head()
        asked = read_photo_module(*self._given, self._preprocess, self._labels)
        given = (self._given[0], self._task, asked.origin.photos, self.task)
        return prepare_task(asked, chosen_task(*given))

    def _check_head(self) -> None:
        """Raise InputError for a number of classes of a head that is no part of the program."""
        model, classes = self._given[0], self._given[3]
        registered = isinstance(model, Address) and model.kind == "registered"
        if registered and self.task == EMBED and classes is not None:
            raise InputError(
                f"[compile] num_classes: expected none with the task {EMBED}, which leaves out the"
                f" head of the model, got {classes}; leave out --num-classes (num_classes=)"
            )

    @cached_property
    def arrays(self) -> TensorSubject:
        """Return the module of any inputs, with its answers to the samples."""
        check_no_photos(self._preprocess, self._labels)
        module, registered = module_of(*self._given, photos=False)
        return prepare_arrays(module, self._samples(), registered=registered)

    def photo_calibration(self, request: Request) -> Calibration:
        """Return the calibration images of a request."""
        key = (request.calib_data, request.calib_samples)
        if key not in self._calibrations and request.calib_data is not None:
            self._calibrations[key] = calibration_inputs(
                request.calib_data,
                self.subject.origin.photos,
                samples=request.calib_samples,
                progress=request.progress,
            )
        return self._calibrations[key]

    def _samples(self) -> object:
        if self._sequence is None or self._inputs is not None:
            return self._inputs
        return self._sequence.inputs(self._sequence.check_frames(self._given[4]))

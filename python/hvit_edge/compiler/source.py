"""Build what one or several compilations compile, once."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from hvit_edge.cache.reuse import Reuse
from hvit_edge.cache.store import open_store
from hvit_edge.compiler.request import Request
from hvit_edge.compiler.subject import Subject, module_of, prepare_subject
from hvit_edge.compiler.tensor_subject import TensorSubject, check_no_photos, prepare_arrays
from hvit_edge.models import find_sequence_model
from hvit_edge.quantize import Calibration, calibration_inputs


class Source:
    """Builds the module and its samples when they are first needed, and keeps them.

    Args:
        given: the arguments `model`, `args`, `weights`, `num_classes`, `input_size` and
            `weights_key` of `compile`.
        preprocess, labels, inputs, cache: see `compile`.

    Attributes:
        reuse: results of earlier compilations.
    """

    def __init__(
        self,
        given: tuple[Any, ...],
        preprocess: object,
        labels: object,
        inputs: object,
        cache: bool,
    ) -> None:
        self.reuse = Reuse(open_store() if cache else None)
        self._given, self._preprocess, self._labels = given, preprocess, labels
        self._inputs = inputs
        self._sequence = find_sequence_model(given[0])
        self._calibrations: dict[tuple[object, ...], Calibration] = {}

    @property
    def takes_photos(self) -> bool:
        """Return True if the artifacts classify photos."""
        return self._inputs is None and self._sequence is None

    def build(self) -> None:
        """Build the module now.

        Raises:
            InputError: an argument is wrong; see `compile`.
        """
        _ = self.photos if self.takes_photos else self.arrays

    @cached_property
    def photos(self) -> Subject:
        """Return the module that classifies photos, with its answer to the golden photo."""
        return prepare_subject(*self._given, self._preprocess, self._labels)

    @cached_property
    def arrays(self) -> TensorSubject:
        """Return the module of any inputs, with its answers to the samples."""
        check_no_photos(self._preprocess, self._labels)
        module, registered = module_of(*self._given, photos=False)
        return prepare_arrays(module, self._samples(), registered=registered)

    def photo_calibration(self, request: Request) -> Calibration:
        """Return the calibration images of a request."""
        key = (request.calib_data, request.calib_samples)
        if key not in self._calibrations:
            self._calibrations[key] = calibration_inputs(
                request.calib_data,
                self.photos.origin.preprocess,
                samples=request.calib_samples,
                progress=request.progress,
            )
        return self._calibrations[key]

    def _samples(self) -> object:
        if self._inputs is not None:
            return self._inputs
        return self._sequence.inputs(self._sequence.check_frames(self._given[4]))

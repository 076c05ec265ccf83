"""Build what one or several compilations compile, once."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TypeAlias

from torch import nn

from hvit_edge.cache.reuse import Reuse
from hvit_edge.cache.store import open_store
from hvit_edge.compiler.request import Request
from hvit_edge.compiler.subject import Subject, module_of, prepare_subject
from hvit_edge.compiler.tensor_subject import TensorSubject, check_no_photos, prepare_arrays
from hvit_edge.models import find_sequence_model
from hvit_edge.quantize import Calibration, calibration_inputs
from hvit_edge.sources.address import Address, check_address

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
        preprocess, labels, inputs, cache: see `compile`.
        several: True if several compilations share the module.

    Attributes:
        reuse: results of earlier compilations.
    """

    def __init__(
        self,
        given: Given,
        preprocess: object,
        labels: object,
        inputs: object,
        cache: bool,
        several: bool = False,
    ) -> None:
        self.reuse = Reuse(open_store() if cache else None, several=several)
        self._given, self._preprocess, self._labels = given, preprocess, labels
        self._inputs = inputs
        model = given[0]
        registered = isinstance(model, Address) and model.kind == "registered"
        self._sequence = find_sequence_model(model.name) if registered else None
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
        if key not in self._calibrations and request.calib_data is not None:
            self._calibrations[key] = calibration_inputs(
                request.calib_data,
                self.photos.origin.photos,
                samples=request.calib_samples,
                progress=request.progress,
            )
        return self._calibrations[key]

    def _samples(self) -> object:
        if self._sequence is None or self._inputs is not None:
            return self._inputs
        return self._sequence.inputs(self._sequence.check_frames(self._given[4]))

"""Prepare the subject of a tensor artifact: a module, its inputs, and its answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from torch import nn

from hvit_edge.artifact.container import Arrays
from hvit_edge.compiler.subject import origin_of
from hvit_edge.errors import HvitEdgeError, InputError, first_line
from hvit_edge.precision import FEWEST_IMAGES
from hvit_edge.quantize import Calibration
from hvit_edge.quantize.calibration import ADVISED
from hvit_edge.tensors.eager import arrays_of, eager_outputs, tensors_of
from hvit_edge.tensors.sample_file import read_samples
from hvit_edge.tensors.samples import Samples, read_inputs
from hvit_edge.tensors.tensor_module import TensorModule, argument_names, checked_outputs
from hvit_edge.user_modules.eager_answer import Question, run_repeatedly
from hvit_edge.user_modules.own_module import check_module
from hvit_edge.user_modules.user_code import place_of_error
from hvit_edge.weights import ModelOrigin

Own = TypeVar("Own", bound="TensorSubject")


@dataclass(frozen=True)
class TensorSubject:
    """Holds the module to compile, its samples, and its outputs for them.

    Attributes:
        module: a copy of the user's module in eval mode, see `own_module`.
        function: the same as a function of a flat list of tensors.
        origin: name and source of the weights.
        registered: True if it was requested by a registered name.
        input_names, output_names: names of the tensors.
        samples: the golden sample first, then others.
        expected: outputs of the module for each sample.
        source: where the samples came from, see `Samples`.
    """

    module: nn.Module
    function: TensorModule
    origin: ModelOrigin
    registered: bool
    input_names: tuple[str, ...]
    output_names: tuple[str, ...]
    samples: tuple[Arrays, ...]
    expected: tuple[Arrays, ...]
    source: str

    @property
    def example(self) -> tuple[torch.Tensor, ...]:
        """Return the golden sample as new tensors."""
        return tensors_of(self.samples[0])

    def with_samples(self: Own, more: list[Arrays]) -> Own:
        """Return the same subject with more samples, and the module's outputs for them."""
        answers = tuple(eager_outputs(self.function, arrays) for arrays in more)
        return replace(self, samples=(*self.samples, *more), expected=(*self.expected, *answers))


def check_no_photos(preprocess: object, labels: object) -> None:
    """Raise InputError if `inputs` is given together with options for photos."""
    if preprocess is not None or labels is not None:
        raise InputError(
            "[compile] expected inputs, or preprocess and labels, got both; an artifact of arrays"
            " has no preprocessing and no labels: leave them out"
        )


def prepare_arrays(module: nn.Module, inputs: object, *, registered: bool) -> TensorSubject:
    """Return the subject of a call of `compile` with `inputs`; for `inputs` see `read_inputs`."""
    samples = read_inputs(inputs, "compile")
    origin = replace(origin_of(module, None), preprocess=None, labels=())
    return prepare_tensors(module, samples, origin, registered=registered, where="compile")


def read_calibration(subject: TensorSubject, data: str | Path, most: int) -> Calibration:
    """Read calibration samples: NPZ files whose arrays have a leading sample axis.

    Raises:
        InputError: the arrays are not inputs of the subject, or there are too few samples.
    """
    found = read_samples(data, subject.input_names, subject.samples[0], "compile")[:most]
    if len(found) < FEWEST_IMAGES:
        raise InputError(
            f"[compile] calibration data: expected at least {FEWEST_IMAGES} samples in"
            f" {data}, got {len(found)}; take {ADVISED} to 512 of the kind that the"
            " model will see, stacked along a leading axis"
        )
    return Calibration(tuple(found))


def prepare_tensors(
    module: nn.Module, samples: Samples, origin: ModelOrigin, *, registered: bool, where: str
) -> TensorSubject:
    """Run a copy of a module on samples, and check that its outputs depend only on the inputs.

    Args:
        module: a user's module, or a registered one.
        samples: samples of its inputs.
        origin: origin of its weights.
        registered: True for a registered module.
        where: name of the public function that was called, for messages.

    Raises:
        InputError: see `own_module`; or the module refuses the sample, does not return finite
            tensors, or returns other outputs in a second run.
    """
    model = check_module(module, where)
    names, keywords = argument_names(model, samples.names, len(samples.golden), where)
    if any("\n" in name or not name for name in names):
        raise InputError(f"[{where}] inputs: expected names without line breaks, got {names}")

    def wrap(copy: nn.Module) -> TensorModule:
        return TensorModule(copy, keywords)

    function, outputs, expected = run_function(model, wrap, samples.golden, "sample", where)
    subject = TensorSubject(
        module=function.model,
        function=function,
        origin=origin,
        registered=registered,
        input_names=names,
        output_names=outputs,
        samples=(samples.golden,),
        expected=(expected,),
        source=samples.source,
    )
    return subject.with_samples(list(samples.others))


def run_function(
    model: nn.Module,
    wrap: Callable[[nn.Module], TensorModule],
    arrays: Arrays,
    about: str,
    where: str,
) -> tuple[TensorModule, tuple[str, ...], Arrays]:
    """Run a copy of a module, and check that its outputs depend only on the inputs.

    Args:
        model: the module, which is not changed.
        wrap: wraps a copy of it as a function of tensors.
        arrays: inputs of the function.
        about: name of the inputs in messages.
        where: name of the public function that was called, for messages.

    Returns:
        The function of the copy, and the names and arrays of its outputs.

    Raises:
        InputError: see `prepare_tensors`.
    """
    question = Question(
        ask=lambda copy: _answer(wrap(copy), arrays, where)[1],
        ask_other=lambda copy: _answer(wrap(copy), _another(arrays), where),
        call=lambda copy: wrap(copy)(*tensors_of(arrays)),
        about=about,
    )
    copy, expected = run_repeatedly(model, question, where)
    function = wrap(copy)
    return function, _answer(function, arrays, where)[0], expected


def _answer(function: TensorModule, arrays: Arrays, where: str) -> tuple[tuple[str, ...], Arrays]:
    """Run a user's module, and return the names and arrays of its outputs."""
    try:
        with torch.no_grad():
            output = function.answer(*tensors_of(arrays))
    except (HvitEdgeError, MemoryError):
        raise
    except (Exception, SystemExit) as error:
        place = place_of_error(error, function.model)
        shapes = ", ".join(f"{array.dtype.name} {list(array.shape)}" for array in arrays)
        raise InputError(
            f"[{where}] expected a module that answers {shapes}, got"
            f" {first_line(error)}{f' (in {place})' if place else ''}; {_remedy(error)}"
        ) from error
    names, tensors = checked_outputs(output, where)
    return names, arrays_of(tensors)


def _remedy(error: BaseException) -> str:
    """Return a remedy for an exception of a module's forward."""
    if isinstance(error, AttributeError) and "'Tensor' object" in str(error):
        return (
            "each argument of forward is a tensor: wrap the module in one that builds its data"
            " class or container from tensors"
        )
    return "check its forward, and that the sample has the right shapes and dtypes"


def _another(arrays: Arrays) -> Arrays:
    """Return other inputs of the same shapes: reversed along the last axis, float32 also scaled."""
    reversed_ = tuple(array[..., ::-1] if array.ndim else array for array in arrays)
    return tuple(
        np.asarray(np.float32(0.7) * array if array.dtype == np.float32 else array, order="C")
        for array in reversed_
    )

"""What is compiled to a tensor artifact: a module, its inputs, and its own answers."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import nn

from hvit_edge.errors import HvitEdgeError, InputError
from hvit_edge.tensors.samples import Arrays, Samples
from hvit_edge.tensors.tensor_module import TensorModule, argument_names, checked_outputs
from hvit_edge.user_modules.eager_answer import Question, run_repeatedly
from hvit_edge.user_modules.own_module import check_module
from hvit_edge.user_modules.user_code import first_line, place_of_error
from hvit_edge.weights import ModelOrigin


@dataclass(frozen=True)
class TensorSubject:
    """What is compiled.

    Attributes:
        module: a copy of the user's, in eval mode, see `own_module`.
        function: the same as a function of a flat row of tensors.
        origin: name and source of the weights.
        registered: it was asked for by a registered name.
        input_names, output_names: of the tensors.
        samples: the golden sample first, then others.
        expected: the module's outputs for each.
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
        """The golden sample as tensors of its own memory."""
        return tensors_of(self.samples[0])

    def with_samples(self, more: list[Arrays]) -> TensorSubject:
        """Return the same with more samples, and the module's answers to them."""
        answers = tuple(eager_outputs(self.function, arrays) for arrays in more)
        return replace(self, samples=(*self.samples, *more), expected=(*self.expected, *answers))


def prepare_tensors(
    module: nn.Module, samples: Samples, origin: ModelOrigin, *, registered: bool, where: str
) -> TensorSubject:
    """Ask a copy of a module for its outputs, and check that they depend on the inputs alone.

    Args:
        module: the user's, or one of the registry.
        samples: of its inputs.
        origin: of its weights.
        registered: it is one of the registry.
        where: the public function that asks, for messages.

    Raises:
        InputError: as `own_module`; the module refuses the sample, does not return finite tensors,
            or answers differently when it is asked again.
    """
    model = check_module(module, where)
    names, keywords = argument_names(model, samples.names, len(samples.golden), where)
    if any("\n" in name or not name for name in names):
        raise InputError(f"[{where}] inputs: expected names without line breaks, got {names}")
    question = Question(
        ask=lambda copy: _answer(copy, keywords, samples.golden, where)[1],
        ask_other=lambda copy: _answer(copy, keywords, _another(samples.golden), where),
        call=lambda copy: TensorModule(copy, keywords)(*tensors_of(samples.golden)),
        about="sample",
    )
    copy, expected = run_repeatedly(model, question, where)
    outputs, _ = _answer(copy, keywords, samples.golden, where)
    subject = TensorSubject(
        module=copy,
        function=TensorModule(copy, keywords),
        origin=origin,
        registered=registered,
        input_names=names,
        output_names=outputs,
        samples=(samples.golden,),
        expected=(expected,),
        source=samples.source,
    )
    return subject.with_samples(list(samples.others))


def tensors_of(arrays: Arrays) -> tuple[torch.Tensor, ...]:
    """Return arrays as tensors of their own memory."""
    return tuple(torch.tensor(array) for array in arrays)


def arrays_of(tensors: tuple[torch.Tensor, ...]) -> Arrays:
    """Return what a module gave as contiguous arrays of their own memory."""
    return tuple(
        tensor.detach().as_subclass(torch.Tensor).clone().contiguous().numpy() for tensor in tensors
    )


def eager_outputs(function: nn.Module, arrays: Arrays) -> Arrays:
    """Run a `TensorModule` or a graph of one in eager PyTorch; it gets copies of the arrays."""
    with torch.no_grad():
        return arrays_of(tuple(function(*tensors_of(arrays))))


def _answer(
    module: nn.Module, keywords: tuple[str, ...] | None, arrays: Arrays, where: str
) -> tuple[tuple[str, ...], Arrays]:
    """Run a user's module; returns the names and the arrays of its outputs."""
    try:
        with torch.no_grad():
            output = TensorModule(module, keywords).answer(*tensors_of(arrays))
    except (HvitEdgeError, MemoryError):
        raise
    except Exception as error:
        place = place_of_error(error, module)
        shapes = ", ".join(f"{array.dtype.name} {list(array.shape)}" for array in arrays)
        raise InputError(
            f"[{where}] expected a module that answers {shapes}, got"
            f" {first_line(error)}{f' (in {place})' if place else ''}; check its forward, and that"
            " the sample has the shapes and dtypes that it takes"
        ) from error
    names, tensors = checked_outputs(output, where)
    return names, arrays_of(tensors)


def _another(arrays: Arrays) -> Arrays:
    """Another input of the same kind: in the other order, and of other size where that is safe."""
    reversed_ = tuple(array[..., ::-1] if array.ndim else array for array in arrays)
    return tuple(
        np.ascontiguousarray(np.float32(0.7) * array if array.dtype == np.float32 else array)
        for array in reversed_
    )
